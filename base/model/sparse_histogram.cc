#include "base/model/sparse_histogram.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace barograph {
namespace {

void Accumulate(double& total, double value) { total += value; }

void Accumulate(KahanSum& total, const KahanSum& value) {
  total.Add(value.sum);
  if (value.compensation != 0) total.Add(value.compensation);
}

double Value(double number) { return number; }
double Value(const KahanSum& number) { return number.sum + number.compensation; }

bool IsZero(double number) { return number == 0; }
bool IsZero(const KahanSum& number) { return number.sum == 0 && number.compensation == 0; }

template <typename Buckets>
void DropEmpty(Buckets& buckets) {
  std::erase_if(buckets, [](const auto& bucket) { return IsZero(bucket.count); });
}

// Adds a bucket at the end, or to the last one when it has the same index.
template <typename Buckets, typename Bucket>
void Append(Buckets& buckets, const Bucket& bucket) {
  if (!buckets.empty() && buckets.back().index == bucket.index) {
    Accumulate(buckets.back().count, bucket.count);
  } else {
    buckets.push_back(bucket);
  }
}

template <typename Buckets>
void Read(const std::vector<BucketSpan>& spans, const std::vector<double>& counts,
          Buckets& buckets) {
  Buckets read;
  read.reserve(counts.size());
  ForEachBucket(spans, counts,
                [&](int64_t index, double count) { read.push_back({index, {count}}); });
  // Spans that overlap, which no writer should make, are out of order.
  std::ranges::sort(read, {}, &Buckets::value_type::index);
  buckets.clear();
  buckets.reserve(read.size());
  for (const auto& bucket : read) Append(buckets, bucket);
}

template <typename Buckets>
void Write(const Buckets& buckets, std::vector<BucketSpan>& spans, std::vector<double>& counts) {
  counts.reserve(buckets.size());
  int64_t end = 0;  // the index after the last bucket
  for (const auto& bucket : buckets) {
    if (spans.empty() || bucket.index != end) {
      spans.push_back({static_cast<int32_t>(bucket.index - end), 0});
    }
    ++spans.back().length;
    counts.push_back(Value(bucket.count));
    end = bucket.index + 1;
  }
}

template <typename Buckets>
void CoarsenBuckets(Buckets& buckets, int32_t shift) {
  Buckets coarse;
  for (auto bucket : buckets) {
    bucket.index = ((bucket.index - 1) >> shift) + 1;
    Append(coarse, bucket);
  }
  buckets = std::move(coarse);
}

template <typename Buckets>
void AddBuckets(Buckets& buckets, const Buckets& other) {
  Buckets merged;
  merged.reserve(buckets.size() + other.size());
  auto next = other.begin();
  for (const auto& bucket : buckets) {
    while (next != other.end() && next->index < bucket.index) merged.push_back(*next++);
    merged.push_back(bucket);
    if (next != other.end() && next->index == bucket.index) Append(merged, *next++);
  }
  merged.insert(merged.end(), next, other.end());
  buckets = std::move(merged);
}

bool IsExponential(int32_t schema) {
  return schema >= kMinExponentialSchema && schema <= kMaxExponentialSchema;
}

Status CheckCompatible(int32_t schema, int32_t other) {
  if ((schema == kCustomBucketsSchema) != (other == kCustomBucketsSchema)) {
    return Fail(ErrorCode::kInvalidArgument,
                "cannot apply this operation on histograms with a mix of exponential and custom "
                "bucket schemas");
  }
  if (schema != kCustomBucketsSchema && (!IsExponential(schema) || !IsExponential(other))) {
    return Fail(ErrorCode::kInvalidArgument, "histogram has an unknown schema");
  }
  return {};
}

// The threshold, or the end of the bucket with observations that it falls into, and so on.
template <typename Number>
double WidenedThreshold(const SparseHistogram<Number>& histogram, double threshold) {
  bool widened = true;
  while (widened) {
    widened = false;
    for (const auto* buckets : {&histogram.positive, &histogram.negative}) {
      for (const auto& bucket : *buckets) {
        if (ExponentialBound(bucket.index - 1, histogram.schema) >= threshold) break;
        const double upper = ExponentialBound(bucket.index, histogram.schema);
        if (upper > threshold && !IsZero(bucket.count)) {
          threshold = upper;
          widened = true;
        }
      }
    }
  }
  return threshold;
}

}  // namespace

template <typename Number>
SparseHistogram<Number>::SparseHistogram(const FloatHistogram& histogram)
    : hint(histogram.counter_reset_hint),
      schema(histogram.schema),
      zero_threshold(histogram.zero_threshold),
      zero_count{histogram.zero_count},
      count{histogram.count},
      sum{histogram.sum},
      custom_values(histogram.custom_values) {
  Read(histogram.positive_spans, histogram.positive_buckets, positive);
  Read(histogram.negative_spans, histogram.negative_buckets, negative);
}

template <typename Number>
FloatHistogram SparseHistogram<Number>::ToHistogram() const {
  FloatHistogram histogram;
  histogram.counter_reset_hint = hint;
  histogram.schema = schema;
  histogram.zero_threshold = zero_threshold;
  histogram.zero_count = Value(zero_count);
  histogram.count = Value(count);
  histogram.sum = Value(sum);
  histogram.custom_values = custom_values;
  Write(positive, histogram.positive_spans, histogram.positive_buckets);
  Write(negative, histogram.negative_spans, histogram.negative_buckets);
  return histogram;
}

template <typename Number>
void SparseHistogram<Number>::Coarsen(int32_t to_schema) {
  if (to_schema >= schema) return;
  // No index is that large, and shifting farther is undefined.
  constexpr int64_t kFarthest = 62;
  const auto shift = static_cast<int32_t>(std::min(int64_t{schema} - to_schema, kFarthest));
  CoarsenBuckets(positive, shift);
  CoarsenBuckets(negative, shift);
  schema = to_schema;
}

template <typename Number>
void SparseHistogram<Number>::WidenZeroBucket(double threshold) {
  threshold = WidenedThreshold(*this, threshold);
  for (Buckets* buckets : {&positive, &negative}) {
    auto bucket = buckets->begin();
    for (; bucket != buckets->end(); ++bucket) {
      if (!(ExponentialBound(bucket->index - 1, schema) < threshold)) break;
      Accumulate(zero_count, bucket->count);
    }
    buckets->erase(buckets->begin(), bucket);
    DropEmpty(*buckets);
  }
  zero_threshold = threshold;
}

template <typename Number>
void SparseHistogram<Number>::KeepBounds(const std::vector<double>& bounds) {
  Buckets kept;
  for (Bucket bucket : positive) {
    const bool finite = bucket.index >= 0 && std::cmp_less(bucket.index, custom_values.size());
    const auto bound =
        finite ? std::ranges::lower_bound(bounds, custom_values[static_cast<size_t>(bucket.index)])
               : bounds.end();
    bucket.index = bound - bounds.begin();
    Append(kept, bucket);
  }
  DropEmpty(kept);
  positive = std::move(kept);
  custom_values = bounds;
}

template <typename Number>
void SparseHistogram<Number>::DropBelow(double threshold) {
  for (Buckets* buckets : {&positive, &negative}) {
    const auto first = std::ranges::find_if(*buckets, [&](const Bucket& bucket) {
      return !(ExponentialBound(bucket.index, schema) <= threshold);
    });
    buckets->erase(buckets->begin(), first);
  }
}

template <typename Number>
HistogramMerge SparseHistogram<Number>::MergeHint(CounterResetHint other) {
  if (hint == other) return {};
  const auto either = [&](CounterResetHint which) { return hint == which || other == which; };
  const bool gauge = either(CounterResetHint::kGauge);
  const bool unknown = either(CounterResetHint::kUnknown);
  hint = gauge ? CounterResetHint::kGauge : CounterResetHint::kUnknown;
  return {.reset_collision = !gauge && !unknown};
}

template <typename Number>
bool SparseHistogram<Number>::MatchBounds(SparseHistogram& other) {
  if (custom_values == other.custom_values) return false;
  std::vector<double> common;
  std::ranges::set_intersection(custom_values, other.custom_values, std::back_inserter(common));
  KeepBounds(common);
  other.KeepBounds(common);
  return true;
}

// Each round widens one zero bucket to a bound of the other histogram's; both are finite lists.
template <typename Number>
void SparseHistogram<Number>::MatchExponential(SparseHistogram& other) {
  while (zero_threshold != other.zero_threshold) {
    SparseHistogram& narrow = zero_threshold < other.zero_threshold ? *this : other;
    narrow.WidenZeroBucket(std::max(zero_threshold, other.zero_threshold));
  }
  Coarsen(other.schema);
  other.Coarsen(schema);
  other.DropBelow(zero_threshold);
}

template <typename Number>
Result<HistogramMerge> SparseHistogram<Number>::Add(SparseHistogram other) {
  TRY(CheckCompatible(schema, other.schema));
  if (std::isnan(zero_threshold) || std::isnan(other.zero_threshold)) {
    return Fail(ErrorCode::kInvalidArgument, "histogram has no number as its zero threshold");
  }
  HistogramMerge merge = MergeHint(other.hint);
  if (schema == kCustomBucketsSchema) {
    merge.bounds_reconciled = MatchBounds(other);
  } else {
    MatchExponential(other);
  }
  Accumulate(zero_count, other.zero_count);
  Accumulate(count, other.count);
  Accumulate(sum, other.sum);
  AddBuckets(positive, other.positive);
  AddBuckets(negative, other.negative);
  return merge;
}

template struct SparseHistogram<double>;
template struct SparseHistogram<KahanSum>;

}  // namespace barograph
