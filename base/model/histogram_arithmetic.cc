#include "base/model/histogram_arithmetic.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/model/sample.h"
#include "base/model/sparse_histogram.h"

namespace barograph {
namespace {

using Sparse = SparseHistogram<double>;

Result<HistogramMerge> Combine(FloatHistogram& histogram, Sparse other) {
  Sparse total(histogram);
  const HistogramMerge merge = TRY(total.Add(std::move(other)));
  histogram = total.ToHistogram();
  return merge;
}

template <typename Apply>
void ForEachNumber(FloatHistogram& histogram, Apply apply) {
  apply(histogram.zero_count);
  apply(histogram.count);
  apply(histogram.sum);
  for (double& count : histogram.positive_buckets) apply(count);
  for (double& count : histogram.negative_buckets) apply(count);
}

// Whether some bucket of `previous` has more in it than the same one of `current`.
bool AnyDecreased(const Sparse::Buckets& current, const Sparse::Buckets& previous) {
  auto now = current.begin();
  for (const Sparse::Bucket& before : previous) {
    while (now != current.end() && now->index < before.index) ++now;
    const bool there = now != current.end() && now->index == before.index;
    if (there ? now->count < before.count : before.count != 0) return true;
  }
  return false;
}

bool AnyDecreasedOverCommonBounds(Sparse current, Sparse previous) {
  std::vector<double> common;
  std::ranges::set_intersection(current.custom_values, previous.custom_values,
                                std::back_inserter(common));
  current.KeepBounds(common);
  previous.KeepBounds(common);
  return AnyDecreased(current.positive, previous.positive);
}

// Whether the zero bucket decreased, or cannot be compared since it cuts a bucket of `previous`.
bool IsZeroBucketReset(const Sparse& current, Sparse previous) {
  if (current.zero_threshold != previous.zero_threshold) {
    previous.WidenZeroBucket(current.zero_threshold);
    if (previous.zero_threshold != current.zero_threshold) return true;
  }
  return current.zero_count < previous.zero_count;
}

bool SameBuckets(const std::vector<BucketSpan>& spans_a, const std::vector<double>& a,
                 const std::vector<BucketSpan>& spans_b, const std::vector<double>& b) {
  std::vector<int64_t> indexes;
  ForEachBucket(spans_a, a, [&](int64_t index, double) { indexes.push_back(index); });
  size_t next = 0;
  bool same = true;
  ForEachBucket(spans_b, b, [&](int64_t index, double count) {
    same = same && next < indexes.size() && indexes[next] == index && SameBits(a[next], count);
    ++next;
  });
  return same && next == indexes.size();
}

}  // namespace

Result<HistogramMerge> AddHistogram(FloatHistogram& histogram, const FloatHistogram& other) {
  return Combine(histogram, Sparse(other));
}

Result<HistogramMerge> SubtractHistogram(FloatHistogram& histogram, const FloatHistogram& other) {
  Sparse negated(other);
  negated.ForEachNumber([](double& number) { number = -number; });
  return Combine(histogram, std::move(negated));
}

void ScaleHistogram(FloatHistogram& histogram, double factor) {
  ForEachNumber(histogram, [factor](double& number) { number *= factor; });
  if (factor < 0) histogram.counter_reset_hint = CounterResetHint::kGauge;
}

void DivideHistogram(FloatHistogram& histogram, double divisor) {
  ForEachNumber(histogram, [divisor](double& number) { number /= divisor; });
  if (divisor < 0) histogram.counter_reset_hint = CounterResetHint::kGauge;
  if (divisor != 0) return;
  histogram.positive_spans.clear();
  histogram.positive_buckets.clear();
  histogram.negative_spans.clear();
  histogram.negative_buckets.clear();
}

void CoarsenHistogram(FloatHistogram& histogram, int32_t to_schema) {
  if (histogram.uses_custom_buckets() || to_schema < kMinExponentialSchema) return;
  if (to_schema >= histogram.schema) return;
  Sparse sparse(histogram);
  sparse.Coarsen(to_schema);
  histogram = sparse.ToHistogram();
}

bool IsCounterReset(const FloatHistogram& current, const FloatHistogram& previous) {
  if (current.counter_reset_hint == CounterResetHint::kReset) return true;
  if (current.counter_reset_hint == CounterResetHint::kNotReset) return false;
  if (current.count < previous.count) return true;
  if (current.uses_custom_buckets() != previous.uses_custom_buckets()) {
    return current.uses_custom_buckets() || current.schema > previous.schema;
  }
  const Sparse now(current);
  Sparse before(previous);
  if (current.uses_custom_buckets()) {
    if (now.custom_values == before.custom_values)
      return AnyDecreased(now.positive, before.positive);
    return AnyDecreasedOverCommonBounds(now, std::move(before));
  }
  if (current.schema > previous.schema) return true;
  if (current.zero_threshold < previous.zero_threshold) return true;
  if (IsZeroBucketReset(now, before)) return true;
  before.Coarsen(current.schema);
  before.DropBelow(current.zero_threshold);
  return AnyDecreased(now.positive, before.positive) || AnyDecreased(now.negative, before.negative);
}

bool SameObservations(const FloatHistogram& a, const FloatHistogram& b) {
  if (a.schema != b.schema || !SameBits(a.count, b.count) || !SameBits(a.sum, b.sum)) return false;
  if (a.uses_custom_buckets() && a.custom_values != b.custom_values) return false;
  return a.zero_threshold == b.zero_threshold && SameBits(a.zero_count, b.zero_count) &&
         SameBuckets(a.negative_spans, a.negative_buckets, b.negative_spans, b.negative_buckets) &&
         SameBuckets(a.positive_spans, a.positive_buckets, b.positive_spans, b.positive_buckets);
}

HistogramSum::HistogramSum(const FloatHistogram& first)
    : total_(std::make_unique<SparseHistogram<KahanSum>>(first)) {}

HistogramSum::HistogramSum(const HistogramSum& other)
    : total_(std::make_unique<SparseHistogram<KahanSum>>(*other.total_)) {}

HistogramSum::HistogramSum(HistogramSum&&) noexcept = default;
HistogramSum& HistogramSum::operator=(HistogramSum&&) noexcept = default;
HistogramSum::~HistogramSum() = default;

Result<HistogramMerge> HistogramSum::Add(const FloatHistogram& histogram) {
  return total_->Add(SparseHistogram<KahanSum>(histogram));
}

void HistogramSum::Scale(double factor) {
  total_->ForEachNumber([factor](KahanSum& number) {
    number.sum *= factor;
    number.compensation *= factor;
  });
  if (factor < 0) total_->hint = CounterResetHint::kGauge;
}

void HistogramSum::Divide(double divisor) {
  total_->ForEachNumber([divisor](KahanSum& number) {
    number.sum /= divisor;
    number.compensation /= divisor;
  });
}

bool HistogramSum::HasOverflow() const {
  bool overflow = std::ranges::any_of(total_->custom_values,  //
                                      [](double bound) { return std::isinf(bound); });
  total_->ForEachNumber([&](const KahanSum& number) { overflow |= std::isinf(number.sum); });
  return overflow;
}

FloatHistogram HistogramSum::result() const { return total_->ToHistogram(); }

Result<HistogramMerge> HistogramMean::Add(const FloatHistogram& histogram) {
  count_ += 1;
  if (!incremental_) {
    HistogramSum next = total_;
    const HistogramMerge merge = TRY(next.Add(histogram));
    if (!next.HasOverflow()) {
      total_ = std::move(next);
      return merge;
    }
    incremental_ = true;
    total_.Divide(count_ - 1);
  }
  total_.Scale((count_ - 1) / count_);
  FloatHistogram part = histogram;
  DivideHistogram(part, count_);
  return total_.Add(part);
}

FloatHistogram HistogramMean::result() const {
  if (incremental_) return total_.result();
  HistogramSum mean = total_;
  mean.Divide(count_);
  return mean.result();
}

}  // namespace barograph
