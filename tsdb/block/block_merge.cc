#include "tsdb/block/block_merge.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "tsdb/bitmap.h"
#include "tsdb/block/block_data.h"
#include "tsdb/block/block_reader.h"
#include "tsdb/block/label_reader.h"
#include "tsdb/start_stream.h"

namespace barograph::tsdb {
namespace {

constexpr uint64_t kSamplesPerCall = 64 * 1024;

// After as many, some megabytes, what was read of the inputs is given back: they are read from
// front to end, and may be larger than the memory.
constexpr uint64_t kSamplesPerRelease = uint64_t{16} << 20;
constexpr TimeRange kAllTime = {FromMs(std::numeric_limits<int64_t>::min()),
                                FromMs(std::numeric_limits<int64_t>::max())};

/// (metric name, labels), which the series of a block are in the order of.
bool ComesBefore(const Labels& a, const Labels& b) {
  if (a.metric_name() != b.metric_name()) return a.metric_name() < b.metric_name();
  return a < b;
}

/// One input: goes through its series by position, past those that are done.
class Input {
 public:
  static Result<Input> Make(const std::shared_ptr<const Block>& block) {
    Input input(block);
    input.ids_ = TRY(input.block().IdsByPosition());
    input.done_.resize(WordsFor(input.ids_.size()));
    return input;
  }

  const Block& block() const { return reader_.block(); }
  BlockReader& reader() { return reader_; }

  /// The series that comes next, with its labels; nullopt at the end.
  std::optional<SeriesId> next() const {
    return next_ < ids_.size() ? std::optional(ids_[next_]) : std::nullopt;
  }
  const Labels& labels() const { return labels_; }

  void MarkDone(SeriesId id) {
    const std::optional<uint64_t> position = block().PositionOf(id);
    if (position.has_value() && *position < ids_.size()) SetBit(done_, *position);
  }

  Status Advance(const BlockMergeCalls& calls) {
    if (looked_ && !TestBit(done_, next_)) return {};
    while (next_ < ids_.size() && TestBit(done_, next_)) ++next_;
    if (next_ < ids_.size()) TRY(ReadLabels(calls));
    looked_ = next_ < ids_.size();
    return {};
  }

 private:
  explicit Input(const std::shared_ptr<const Block>& block)
      : reader_(block), label_reader_(block) {}

  Status ReadLabels(const BlockMergeCalls& calls) {
    Result<Labels> labels = label_reader_.At(next_);
    if (!labels && calls.find_labels) {
      if (auto known = calls.find_labels(SeriesOfStream(ids_[next_]))) labels = std::move(*known);
    }
    labels_ = TRY(std::move(labels));
    return {};
  }

  BlockReader reader_;
  LabelReader label_reader_;
  std::vector<SeriesId> ids_;   // by position
  std::vector<uint64_t> done_;  // bit by position
  size_t next_ = 0;
  bool looked_ = false;  // labels_ are those of ids_[next_]
  Labels labels_;
};

/// The samples of one series out of several inputs.
class SampleUnion {
 public:
  /// `parts` in the order of the inputs. Good until the next call.
  SeriesSamples Of(std::span<const SeriesSamples> parts) {
    if (parts.size() == 1) {
      SeriesSamples only = parts[0];
      only.timestamp_column = 0;  // the inputs' numbers do not tell them apart
      return only;
    }
    timestamps_.clear();
    values_.clear();
    histograms_.clear();
    sorted_.assign(parts.begin(), parts.end());
    std::ranges::sort(sorted_, {}, [](const auto& part) { return part.timestamps[0]; });
    if (IsApart()) {
      for (const SeriesSamples& part : sorted_) Append(part, 0, part.size());
    } else {
      Merge(parts);
    }
    SeriesSamples all;
    all.timestamps = timestamps_;
    all.values = values_;
    const bool any = std::ranges::any_of(histograms_, [](auto* h) { return h != nullptr; });
    if (any) all.histograms = histograms_;
    return all;
  }

 private:
  /// Whether each part of sorted_ ends before the next begins.
  bool IsApart() const {
    for (size_t i = 1; i < sorted_.size(); ++i) {
      if (sorted_[i - 1].timestamps.back() >= sorted_[i].timestamps.front()) return false;
    }
    return true;
  }

  void Append(const SeriesSamples& part, size_t begin, size_t count) {
    const auto append = [&](auto& to, const auto& from) {
      to.insert(to.end(), from.begin() + static_cast<std::ptrdiff_t>(begin),
                from.begin() + static_cast<std::ptrdiff_t>(begin + count));
    };
    append(timestamps_, part.timestamps);
    append(values_, part.values);
    if (part.histograms.empty()) {
      histograms_.resize(histograms_.size() + count, nullptr);
    } else {
      append(histograms_, part.histograms);
    }
  }

  /// Sample by sample; the last part that has a timestamp wins.
  void Merge(std::span<const SeriesSamples> parts) {
    next_.assign(parts.size(), 0);
    while (true) {
      std::optional<size_t> winner;
      for (size_t i = 0; i < parts.size(); ++i) {
        if (next_[i] == parts[i].size()) continue;
        const Timestamp t = parts[i].timestamps[next_[i]];
        if (!winner.has_value() || t <= parts[*winner].timestamps[next_[*winner]]) winner = i;
      }
      if (!winner.has_value()) return;
      const Timestamp t = parts[*winner].timestamps[next_[*winner]];
      Append(parts[*winner], next_[*winner], 1);
      for (size_t i = 0; i < parts.size(); ++i) {
        if (next_[i] < parts[i].size() && parts[i].timestamps[next_[i]] == t) ++next_[i];
      }
    }
  }

  std::vector<SeriesSamples> sorted_;
  std::vector<size_t> next_;
  std::vector<Timestamp> timestamps_;
  std::vector<double> values_;
  std::vector<const FloatHistogram*> histograms_;
};

class Merger {
 public:
  Merger(std::vector<Input> inputs, BlockWriter& writer, const BlockMergeCalls& calls)
      : inputs_(std::move(inputs)), writer_(writer), calls_(calls) {}

  Status Run() {
    while (true) {
      if (calls_.stop.stop_requested()) return Fail(ErrorCode::kCancelled, "the merge was stopped");
      for (Input& input : inputs_) TRY(input.Advance(calls_));
      const Input* const first = First();
      if (first == nullptr) break;
      TRY(MergeSeries(*first->next(), first->labels()));
    }
    Report();
    return {};
  }

 private:
  /// The input whose next series comes first; nullptr at the end.
  const Input* First() const {
    const Input* first = nullptr;
    for (const Input& input : inputs_) {
      if (!input.next().has_value()) continue;
      if (first == nullptr || ComesBefore(input.labels(), first->labels())) first = &input;
    }
    return first;
  }

  // Looks the series up in every input: their orders need not agree.
  Status MergeSeries(SeriesId id, const Labels& labels) {
    parts_.clear();
    for (Input& input : inputs_) {
      const SeriesSamples samples = TRY(input.reader().Read(id, kAllTime));
      if (samples.size() > 0) parts_.push_back(samples);
      input.MarkDone(id);
    }
    if (parts_.empty()) return {};
    const SeriesSamples samples = union_.Of(parts_);
    TRY(writer_.Add(id, labels, samples));
    unreported_ += samples.size();
    unreleased_ += samples.size();
    if (unreported_ >= kSamplesPerCall) Report();
    if (unreleased_ >= kSamplesPerRelease) Release();
    return {};
  }

  void Release() {
    for (const Input& input : inputs_) input.block().data().Release();
    unreleased_ = 0;
  }

  void Report() {
    if (calls_.progress && unreported_ > 0) calls_.progress(unreported_);
    unreported_ = 0;
  }

  std::vector<Input> inputs_;
  BlockWriter& writer_;
  const BlockMergeCalls& calls_;
  SampleUnion union_;
  std::vector<SeriesSamples> parts_;
  uint64_t unreported_ = 0;
  uint64_t unreleased_ = 0;
};

void AddUnique(std::span<const Ulid> ulids, std::vector<Ulid>& to) {
  to.insert(to.end(), ulids.begin(), ulids.end());
  std::ranges::sort(to);
  const auto twice = std::ranges::unique(to);
  to.erase(twice.begin(), twice.end());
}

}  // namespace

BlockOrigin MergedOrigin(std::span<const std::shared_ptr<const Block>> inputs, Ulid ulid,
                         TimeRange window) {
  BlockOrigin origin;
  origin.ulid = ulid;
  origin.window = window;
  for (const auto& input : inputs) {
    const BlockOrigin& of = input->meta().origin;
    origin.level = std::max(origin.level, of.level + 1);
    AddUnique(of.sources, origin.sources);
    origin.parents.push_back(of.ulid);
  }
  return origin;
}

Status MergeBlocks(std::span<const std::shared_ptr<const Block>> inputs, BlockWriter& writer,
                   const BlockMergeCalls& calls) {
  std::vector<Input> opened;
  for (const auto& block : inputs) opened.push_back(TRY(Input::Make(block)));
  return Merger(std::move(opened), writer, calls).Run();
}

}  // namespace barograph::tsdb
