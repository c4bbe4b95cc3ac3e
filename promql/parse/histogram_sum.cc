#include "promql/parse/histogram_sum.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <utility>

namespace barograph::promql {
namespace {

// Buckets by index: simple rather than fast, since this serves test scripts.
using BucketMap = std::map<int64_t, double>;

BucketMap ToMap(const std::vector<BucketSpan>& spans, const std::vector<double>& buckets) {
  BucketMap map;
  int64_t index = 0;
  size_t next = 0;
  for (const BucketSpan& span : spans) {
    index += span.offset;
    for (uint32_t i = 0; i < span.length && next < buckets.size(); ++i) {
      map[index++] += buckets[next++];
    }
  }
  return map;
}

void FromMap(const BucketMap& map, std::vector<BucketSpan>& spans, std::vector<double>& buckets) {
  spans.clear();
  buckets.clear();
  int64_t expected = 0;
  for (const auto& [index, count] : map) {
    if (spans.empty() || index != expected) {
      spans.push_back({static_cast<int32_t>(index - expected), 0});
    }
    ++spans.back().length;
    buckets.push_back(count);
    expected = index + 1;
  }
}

// An exponential histogram's buckets, or a custom one's, which has no negative ones.
struct Buckets {
  explicit Buckets(const FloatHistogram& h)
      : schema(h.schema),
        zero_threshold(h.zero_threshold),
        zero_count(h.zero_count),
        positive(ToMap(h.positive_spans, h.positive_buckets)),
        negative(ToMap(h.negative_spans, h.negative_buckets)) {}

  // The upper bound of the bucket, without its sign.
  double UpperBound(int64_t index) const {
    return std::exp2(std::ldexp(static_cast<double>(index), -schema));
  }
  void Coarsen(int32_t to_schema);
  void WidenZeroBucket(double threshold);

  int32_t schema;
  double zero_threshold;
  double zero_count;
  BucketMap positive;
  BucketMap negative;

 private:
  double ThresholdOverPopulated(double threshold) const;
  void MoveIntoZeroBucket(BucketMap& map, double threshold);
};

void Buckets::Coarsen(int32_t to_schema) {
  const int32_t shift = schema - to_schema;
  for (BucketMap* map : {&positive, &negative}) {
    BucketMap coarse;
    for (const auto& [index, count] : *map) coarse[((index - 1) >> shift) + 1] += count;
    *map = std::move(coarse);
  }
  schema = to_schema;
}

// The threshold, or the end of the populated bucket that it falls into.
double Buckets::ThresholdOverPopulated(double threshold) const {
  double before;
  do {
    before = threshold;
    for (const BucketMap* map : {&positive, &negative}) {
      for (const auto& [index, count] : *map) {
        const bool inside = UpperBound(index - 1) < threshold && threshold < UpperBound(index);
        if (inside && count != 0) threshold = UpperBound(index);
      }
    }
  } while (threshold != before);
  return threshold;
}

void Buckets::MoveIntoZeroBucket(BucketMap& map, double threshold) {
  while (!map.empty() && UpperBound(map.begin()->first - 1) < threshold) {
    zero_count += map.begin()->second;
    map.erase(map.begin());
  }
}

void Buckets::WidenZeroBucket(double threshold) {
  threshold = ThresholdOverPopulated(threshold);
  MoveIntoZeroBucket(positive, threshold);
  MoveIntoZeroBucket(negative, threshold);
  // Prometheus drops the empty buckets too when it trims.
  std::erase_if(positive, [](const auto& bucket) { return bucket.second == 0; });
  std::erase_if(negative, [](const auto& bucket) { return bucket.second == 0; });
  zero_threshold = threshold;
}

void ReconcileZeroBuckets(Buckets& a, Buckets& b) {
  // Each round widens one to a bucket bound of the other's; both are finite lists.
  while (a.zero_threshold != b.zero_threshold) {
    Buckets& narrow = a.zero_threshold < b.zero_threshold ? a : b;
    narrow.WidenZeroBucket(std::max(a.zero_threshold, b.zero_threshold));
  }
}

CounterResetHint CombineHints(CounterResetHint a, CounterResetHint b) {
  if (a == b) return a;
  const bool gauge = a == CounterResetHint::kGauge || b == CounterResetHint::kGauge;
  return gauge ? CounterResetHint::kGauge : CounterResetHint::kUnknown;
}

// The buckets over bounds that are a subset of theirs.
BucketMap OverBounds(const BucketMap& map, const std::vector<double>& from,
                     const std::vector<double>& to) {
  BucketMap out;
  for (const auto& [index, count] : map) {
    const bool has_bound = index >= 0 && std::cmp_less(index, from.size());
    const auto bound =
        has_bound ? std::ranges::lower_bound(to, from[static_cast<size_t>(index)]) : to.end();
    out[bound - to.begin()] += count;
  }
  return out;
}

void AddCustom(FloatHistogram& histogram, const FloatHistogram& other, double sign) {
  Buckets a(histogram);
  Buckets b(other);
  const bool same_bounds = histogram.custom_values == other.custom_values;
  if (!same_bounds) {
    std::vector<double> common;
    std::ranges::set_intersection(histogram.custom_values, other.custom_values,
                                  std::back_inserter(common));
    a.positive = OverBounds(a.positive, histogram.custom_values, common);
    b.positive = OverBounds(b.positive, other.custom_values, common);
    histogram.custom_values = std::move(common);
  }
  for (const auto& [index, count] : b.positive) a.positive[index] += sign * count;
  if (!same_bounds) {
    std::erase_if(a.positive, [](const auto& bucket) { return bucket.second == 0; });
  }
  FromMap(a.positive, histogram.positive_spans, histogram.positive_buckets);
}

void AddExponential(FloatHistogram& histogram, const FloatHistogram& other, double sign) {
  Buckets a(histogram);
  Buckets b(other);
  ReconcileZeroBuckets(a, b);
  const int32_t schema = std::min(a.schema, b.schema);
  a.Coarsen(schema);
  b.Coarsen(schema);
  for (const auto& [index, count] : b.positive) a.positive[index] += sign * count;
  for (const auto& [index, count] : b.negative) a.negative[index] += sign * count;
  histogram.schema = schema;
  histogram.zero_threshold = a.zero_threshold;
  histogram.zero_count = a.zero_count + sign * b.zero_count;
  FromMap(a.positive, histogram.positive_spans, histogram.positive_buckets);
  FromMap(a.negative, histogram.negative_spans, histogram.negative_buckets);
}

bool IsExponential(const FloatHistogram& h) {
  return h.schema >= kMinExponentialSchema && h.schema <= kMaxExponentialSchema;
}

Status Combine(FloatHistogram& histogram, const FloatHistogram& other, double sign) {
  const bool custom = histogram.uses_custom_buckets();
  if (custom != other.uses_custom_buckets()) {
    return Fail(ErrorCode::kInvalidArgument,
                "cannot apply this operation on histograms with a mix of exponential and custom "
                "bucket schemas");
  }
  if (!custom && (!IsExponential(histogram) || !IsExponential(other))) {
    return Fail(ErrorCode::kInvalidArgument, "histogram has an unknown schema");
  }
  if (std::isnan(histogram.zero_threshold) || std::isnan(other.zero_threshold)) {
    return Fail(ErrorCode::kInvalidArgument, "histogram has no number as its zero threshold");
  }
  histogram.counter_reset_hint =
      CombineHints(histogram.counter_reset_hint, other.counter_reset_hint);
  histogram.count += sign * other.count;
  histogram.sum += sign * other.sum;
  if (custom) {
    AddCustom(histogram, other, sign);
  } else {
    AddExponential(histogram, other, sign);
  }
  return {};
}

}  // namespace

Status AddHistogram(FloatHistogram& histogram, const FloatHistogram& other) {
  return Combine(histogram, other, 1);
}

Status SubtractHistogram(FloatHistogram& histogram, const FloatHistogram& other) {
  return Combine(histogram, other, -1);
}

}  // namespace barograph::promql
