#include "tsdb/prometheus/histogram_plan.h"

#include <algorithm>
#include <iterator>
#include <set>

namespace barograph::tsdb::prometheus {
namespace {

// Chunks that have this many samples end when their counts are this many.
constexpr size_t kMinSamples = 10;
constexpr size_t kMaxCounts = 2400;

bool IsGauge(const FloatHistogram& histogram) {
  return histogram.counter_reset_hint == CounterResetHint::kGauge;
}

struct Bucket {
  int64_t index;
  double count;
};

std::vector<Bucket> BucketsOf(const std::vector<BucketSpan>& spans,
                              const std::vector<double>& counts) {
  std::vector<Bucket> buckets;
  ForEachBucket(spans, counts,
                [&](int64_t index, double count) { buckets.push_back({index, count}); });
  return buckets;
}

// Whether any bucket lost observations; one that is gone had none.
bool AnyFell(const std::vector<Bucket>& before, const std::vector<Bucket>& after) {
  auto now = after.begin();
  for (const Bucket& old : before) {
    while (now != after.end() && now->index < old.index) ++now;
    const double count = now != after.end() && now->index == old.index ? now->count : 0;
    if (count < old.count) return true;
  }
  return false;
}

bool AnyBucketFell(const FloatHistogram& before, const FloatHistogram& after) {
  return AnyFell(BucketsOf(before.positive_spans, before.positive_buckets),
                 BucketsOf(after.positive_spans, after.positive_buckets)) ||
         AnyFell(BucketsOf(before.negative_spans, before.negative_buckets),
                 BucketsOf(after.negative_spans, after.negative_buckets));
}

bool SameShape(const FloatHistogram& a, const FloatHistogram& b) {
  return a.schema == b.schema && a.zero_threshold == b.zero_threshold;
}

// What `after` is to `before`, both of a counter: kNotReset, and it may stand in the same chunk,
// or the header of the chunk that it begins. Prometheus's rules, in its order.
CounterResetHeader Compare(const FloatHistogram& before, const FloatHistogram& after) {
  using enum CounterResetHeader;
  if (after.counter_reset_hint == CounterResetHint::kReset) return kReset;
  if (IsStale(after.sum)) return kNotReset;
  if (IsStale(before.sum)) return kUnknown;
  if (after.count < before.count) return kReset;
  if (!SameShape(before, after)) return kUnknown;
  if (before.custom_values != after.custom_values) return kReset;
  if (after.zero_count < before.zero_count) return kReset;
  return AnyBucketFell(before, after) ? kReset : kNotReset;
}

// Whether `after` may stand in the chunk that `before` is in.
bool MayFollow(const FloatHistogram& before, const FloatHistogram& after, bool gauges) {
  if (!gauges) return !IsGauge(after) && Compare(before, after) == CounterResetHeader::kNotReset;
  if (IsStale(after.sum)) return true;
  return IsGauge(after) && !IsStale(before.sum) && SameShape(before, after) &&
         before.custom_values == after.custom_values;
}

HistogramLayout LayoutOf(const FloatHistogram& histogram) {
  if (IsStale(histogram.sum)) return {};
  return {histogram.schema, histogram.zero_threshold, histogram.positive_spans,
          histogram.negative_spans, histogram.custom_values};
}

// Whether there are as many counts as the spans say, in ascending order.
bool IsOrderly(const std::vector<BucketSpan>& spans, const std::vector<double>& counts) {
  const auto falls = [](const BucketSpan& span) { return span.offset < 0; };
  return CountBuckets(spans) == counts.size() &&
         (spans.empty() || std::none_of(spans.begin() + 1, spans.end(), falls));
}

bool HasLayout(const FloatHistogram& histogram, const HistogramLayout& layout) {
  return histogram.positive_spans == layout.positive_spans &&
         histogram.negative_spans == layout.negative_spans &&
         IsOrderly(histogram.positive_spans, histogram.positive_buckets) &&
         IsOrderly(histogram.negative_spans, histogram.negative_buckets);
}

std::vector<BucketSpan> SpansOver(const std::vector<int64_t>& indexes) {
  std::vector<BucketSpan> spans;
  int64_t end = 0;  // the index after the last bucket
  for (const int64_t index : indexes) {
    if (spans.empty() || index != end) spans.push_back({static_cast<int32_t>(index - end), 0});
    ++spans.back().length;
    end = index + 1;
  }
  return spans;
}

// Collects a chunk's histograms.
class Planner {
 public:
  explicit Planner(const FloatHistogram& first) {
    plan_.layout = LayoutOf(first);
    Add(first);
  }

  void Add(const FloatHistogram& histogram) {
    ++plan_.samples;
    if (IsStale(histogram.sum)) return;
    plan_.same_layout = plan_.same_layout && HasLayout(histogram, plan_.layout);
    AddIndexes(histogram.positive_spans, histogram.positive_buckets, positive_);
    AddIndexes(histogram.negative_spans, histogram.negative_buckets, negative_);
  }

  bool full() const {
    return plan_.samples >= kMinSamples &&
           plan_.samples * (positive_.size() + negative_.size()) >= kMaxCounts;
  }

  HistogramPlan Finish() && {
    plan_.positive.assign(positive_.begin(), positive_.end());
    plan_.negative.assign(negative_.begin(), negative_.end());
    if (!plan_.same_layout) {
      plan_.layout.positive_spans = SpansOver(plan_.positive);
      plan_.layout.negative_spans = SpansOver(plan_.negative);
    }
    return std::move(plan_);
  }

 private:
  static void AddIndexes(const std::vector<BucketSpan>& spans, const std::vector<double>& counts,
                         std::set<int64_t>& indexes) {
    ForEachBucket(spans, counts, [&](int64_t index, double) { indexes.insert(index); });
  }

  HistogramPlan plan_;
  std::set<int64_t> positive_;
  std::set<int64_t> negative_;
};

CounterResetHeader HeaderOf(const FloatHistogram& first, const FloatHistogram* before) {
  if (IsGauge(first)) return CounterResetHeader::kGauge;
  if (before != nullptr && !IsGauge(*before)) return Compare(*before, first);
  const bool reset = first.counter_reset_hint == CounterResetHint::kReset;
  return reset ? CounterResetHeader::kReset : CounterResetHeader::kUnknown;
}

}  // namespace

HistogramPlan PlanHistograms(const SampleColumns& samples, size_t begin, size_t limit,
                             bool continues) {
  const auto at = [&](size_t index) -> const FloatHistogram& {
    return samples.histogram(index)->histogram;
  };
  Planner planner(at(begin));
  const bool gauges = IsGauge(at(begin));
  for (size_t i = begin + 1; i < begin + limit; ++i) {
    if (planner.full() || !MayFollow(at(i - 1), at(i), gauges)) break;
    planner.Add(at(i));
  }
  HistogramPlan plan = std::move(planner).Finish();
  plan.header = HeaderOf(at(begin), continues ? &at(begin - 1) : nullptr);
  return plan;
}

}  // namespace barograph::tsdb::prometheus
