#include "tsdb/chunk/histogram_codec.h"

#include <algorithm>
#include <vector>

#include "base/bytes/varint.h"
#include "base/model/sample.h"
#include "tsdb/chunk/histogram_layout.h"
#include "tsdb/chunk/histogram_numbers.h"

namespace barograph::tsdb {
namespace {

using Run = std::span<const FloatHistogram* const>;

/// A group, and where in the run its histograms are.
struct Members {
  struct Member {
    uint32_t position;
    uint32_t layout;  ///< in the group
  };
  HistogramGroup group;
  std::vector<Member> members;
};

// The order of a run names a layout for each histogram: they are numbered from 1 through all
// groups, and 0 is a bare staleness marker.
constexpr uint32_t kStaleMarker = 0;
constexpr uint32_t kFirstLayout = 1;

// What stands for a series that ended, and says nothing else.
bool IsBareStaleMarker(const FloatHistogram& histogram) {
  static const FloatHistogram marker = [] {
    FloatHistogram bare;
    bare.sum = kStaleNan;
    return bare;
  }();
  return IsStale(histogram.sum) && histogram.positive_buckets.empty() && histogram == marker;
}

double TotalOf(const FloatHistogram& histogram) {
  double total = histogram.zero_count;
  for (const double count : histogram.positive_buckets) total += count;
  for (const double count : histogram.negative_buckets) total += count;
  return total;
}

std::unexpected<Error> Malformed(const char* what) {
  return Fail(ErrorCode::kCorruption, std::string("run of histograms: ") + what);
}

bool TakeVarint(std::string_view& in, uint64_t& value) {
  const char* next = GetVarint(in.data(), in.data() + in.size(), value);
  if (next == nullptr) return false;
  in.remove_prefix(static_cast<size_t>(next - in.data()));
  return true;
}

/// Sorts histograms into groups.
class Grouping {
 public:
  void Add(const FloatHistogram& histogram, uint32_t position) {
    const auto [group, layout] = Find(histogram);
    groups[group].members.push_back({position, layout});
    groups[group].group.has_counts |= !SameBits(TotalOf(histogram), histogram.count);
  }

  std::vector<Members> groups;

 private:
  struct Place {
    size_t group;
    uint32_t layout;
  };

  // Mostly the same as that of the histogram before.
  Place Find(const FloatHistogram& histogram) {
    for (size_t g = groups.size(); g-- > 0;) {
      HistogramGroup& group = groups[g].group;
      if (!group.HasCommon(histogram)) continue;
      for (size_t layout = group.layouts.size(); layout-- > 0;) {
        if (group.layouts[layout].AreOf(histogram)) return {g, static_cast<uint32_t>(layout)};
      }
      if (group.AddLayout(histogram)) return {g, static_cast<uint32_t>(group.layouts.size() - 1)};
    }
    groups.push_back({GroupOf(histogram), {}});
    return {groups.size() - 1, 0};
  }
};

void AppendOrder(std::span<const Members> groups, size_t count, std::string& out) {
  std::vector<uint32_t> order(count, kStaleMarker);
  uint32_t first = kFirstLayout;
  for (const Members& group : groups) {
    for (const auto& [position, layout] : group.members) order[position] = first + layout;
    first += static_cast<uint32_t>(group.group.layouts.size());
  }
  for (size_t i = 0; i < count;) {
    size_t end = i + 1;
    while (end < count && order[end] == order[i]) ++end;
    AppendVarint(out, order[i]);
    AppendVarint(out, end == count ? 0 : end - i);
    i = end;
  }
}

// The opposite; false where the order is none, or leaves out a group.
bool TakeOrder(std::string_view& in, size_t count, std::span<Members> groups) {
  std::vector<std::pair<size_t, uint32_t>> places;  // by layout number
  for (size_t g = 0; g < groups.size(); ++g) {
    for (uint32_t l = 0; l < groups[g].group.layouts.size(); ++l) places.emplace_back(g, l);
  }
  for (size_t i = 0; i < count;) {
    uint64_t number, repeats;
    if (!TakeVarint(in, number) || !TakeVarint(in, repeats)) return false;
    if (repeats == 0) repeats = count - i;
    if (number >= kFirstLayout + places.size() || repeats > count - i) return false;
    for (const size_t end = i + repeats; i < end; ++i) {
      if (number == kStaleMarker) continue;
      const auto [group, layout] = places[number - kFirstLayout];
      groups[group].members.push_back({static_cast<uint32_t>(i), layout});
    }
  }
  return std::ranges::none_of(groups, [](const Members& group) { return group.members.empty(); });
}

/// The numbers of a group's histograms but their sums: zero buckets first, counts where they are
/// not the totals, then the buckets.
class GroupNumbers {
 public:
  explicit GroupNumbers(const Members& members)
      : members_(members),
        buckets_(members.group.layouts),
        first_bucket_(members.group.has_counts ? 2 : 1) {
    matrix.Resize(members.members.size(), first_bucket_ + buckets_.size());
  }

  void Load(Run run) {
    Fill present(matrix);
    for (size_t row = 0; row < members_.members.size(); ++row) {
      const auto [position, layout] = members_.members[row];
      const FloatHistogram& histogram = *run[position];
      present.Set(row, 0, histogram.zero_count);
      if (first_bucket_ == 2) present.Set(row, 1, histogram.count);
      const uint32_t* column = buckets_.Of(layout).data();
      for (const double count : histogram.positive_buckets)
        present.Set(row, first_bucket_ + *column++, count);
      for (const double count : histogram.negative_buckets)
        present.Set(row, first_bucket_ + *column++, count);
    }
    present.FillUp();
  }

  void Store(std::span<FloatHistogram> run) const {
    for (size_t row = 0; row < members_.members.size(); ++row) {
      const auto [position, layout] = members_.members[row];
      FloatHistogram& histogram = run[position];
      const HistogramSpans& spans = members_.group.layouts[layout];
      const std::span<const uint32_t> columns = buckets_.Of(layout);
      const size_t positive = CoveredBuckets(spans.positive);
      histogram.zero_count = matrix.Column(0)[row];
      histogram.positive_spans = spans.positive;
      histogram.negative_spans = spans.negative;
      StoreBuckets(row, columns.first(positive), histogram.positive_buckets);
      StoreBuckets(row, columns.subspan(positive), histogram.negative_buckets);
      histogram.count = first_bucket_ == 2 ? matrix.Column(1)[row] : TotalOf(histogram);
    }
  }

  NumberMatrix matrix;

 private:
  /// Buckets that a histogram does not have repeat the row before, which costs least; above the
  /// first that is there, they have its number.
  class Fill {
   public:
    explicit Fill(NumberMatrix& matrix) : matrix_(matrix), next_(matrix.columns) {}

    void Set(size_t row, size_t column, double number) {
      FillTo(row, column, number);
      matrix_.Column(column)[row] = number;
      next_[column] = row + 1;
    }
    void FillUp() {
      for (size_t c = 0; c < matrix_.columns; ++c) FillTo(matrix_.rows, c, 0);
    }

   private:
    void FillTo(size_t row, size_t column, double first) {
      size_t& next = next_[column];
      const std::span<double> numbers = matrix_.Column(column);
      const double number = next == 0 ? first : numbers[next - 1];
      for (; next < row; ++next) numbers[next] = number;
    }

    NumberMatrix& matrix_;
    std::vector<size_t> next_;  // the first row that is not set, by column
  };

  void StoreBuckets(size_t row, std::span<const uint32_t> columns, std::vector<double>& out) const {
    out.resize(columns.size());
    for (size_t i = 0; i < columns.size(); ++i) {
      out[i] = matrix.Column(first_bucket_ + columns[i])[row];
    }
  }

  const Members& members_;
  const BucketColumns buckets_;
  const size_t first_bucket_;
};

bool DecodeGroup(std::string_view in, const Members& members, std::span<FloatHistogram> out) {
  uint64_t size;
  std::vector<double> sums(members.members.size());
  if (!TakeVarint(in, size) || size > in.size() || !DecodeValues(in.substr(0, size), sums)) {
    return false;
  }
  GroupNumbers numbers(members);
  if (!DecodeNumbers(in.substr(size), numbers.matrix)) return false;
  numbers.Store(out);
  const HistogramGroup& group = members.group;
  for (size_t row = 0; row < sums.size(); ++row) {
    FloatHistogram& histogram = out[members.members[row].position];
    histogram.sum = sums[row];
    histogram.schema = group.schema;
    histogram.zero_threshold = group.zero_threshold;
    histogram.custom_values = group.custom_values;
    if (group.gauge) histogram.counter_reset_hint = CounterResetHint::kGauge;
  }
  return true;
}

}  // namespace

bool IsStorable(const FloatHistogram& histogram) {
  const size_t positive = CoveredBuckets(histogram.positive_spans);
  const size_t negative = CoveredBuckets(histogram.negative_spans);
  return positive == histogram.positive_buckets.size() &&
         negative == histogram.negative_buckets.size() &&
         positive + negative <= kMaxHistogramBuckets &&
         histogram.custom_values.size() <= kMaxHistogramBuckets;
}

struct HistogramEncoder::Scratch {
  ValueEncoder sums;
  NumberEncoder numbers;

  void EncodeGroup(const Members& members, Run run, std::string& out);
};

void HistogramEncoder::Scratch::EncodeGroup(const Members& members, Run run, std::string& out) {
  std::vector<double> values;
  for (const auto& member : members.members) values.push_back(run[member.position]->sum);
  std::string encoded;
  sums.Encode(values, encoded);
  AppendVarint(out, encoded.size());
  out += encoded;
  GroupNumbers group(members);
  group.Load(run);
  numbers.Encode(group.matrix, out);
}

HistogramEncoder::HistogramEncoder() : scratch_(std::make_unique<Scratch>()) {}
HistogramEncoder::~HistogramEncoder() = default;
HistogramEncoder::HistogramEncoder(HistogramEncoder&&) noexcept = default;
HistogramEncoder& HistogramEncoder::operator=(HistogramEncoder&&) noexcept = default;

void HistogramEncoder::Encode(std::span<const FloatHistogram* const> histograms, std::string& out) {
  if (histograms.empty()) return;
  Grouping grouping;
  for (uint32_t i = 0; i < histograms.size(); ++i) {
    if (!IsBareStaleMarker(*histograms[i])) grouping.Add(*histograms[i], i);
  }
  const std::vector<Members>& groups = grouping.groups;
  AppendVarint(out, groups.size());
  for (const Members& members : groups) AppendGroup(out, members.group);
  AppendOrder(groups, histograms.size(), out);
  std::string encoded;
  for (const Members& members : groups) {
    encoded.clear();
    scratch_->EncodeGroup(members, histograms, encoded);
    if (&members != &groups.back()) AppendVarint(out, encoded.size());
    out += encoded;
  }
}

Status DecodeHistograms(std::string_view bytes, std::span<FloatHistogram> out) {
  if (out.empty()) {
    if (!bytes.empty()) return Malformed("bytes without histograms");
    return {};
  }
  uint64_t count;
  if (out.size() > kMaxHistogramRun) return Malformed("too long");
  if (!TakeVarint(bytes, count) || count > out.size()) return Malformed("no number of groups");
  std::vector<Members> groups(count);
  for (Members& members : groups) {
    if (!TakeGroup(bytes, out.size(), members.group)) return Malformed("a malformed group");
  }
  if (!TakeOrder(bytes, out.size(), groups)) return Malformed("a malformed order");
  for (FloatHistogram& histogram : out) {
    histogram = FloatHistogram();
    histogram.sum = kStaleNan;
  }
  for (const Members& members : groups) {
    uint64_t size = bytes.size();
    const bool last = &members == &groups.back();
    if (!last && (!TakeVarint(bytes, size) || size > bytes.size()))
      return Malformed("a cut off group");
    if (!DecodeGroup(bytes.substr(0, size), members, out)) return Malformed("malformed numbers");
    bytes.remove_prefix(size);
  }
  if (!bytes.empty()) return Malformed("bytes are left over");
  return {};
}

}  // namespace barograph::tsdb
