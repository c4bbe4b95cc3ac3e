#pragma once

#include <cstdint>
#include <vector>

#include "base/model/histogram.h"
#include "base/model/histogram_arithmetic.h"
#include "base/model/kahan_sum.h"
#include "base/result.h"

/// A native histogram with its buckets listed by index instead of in spans: what arithmetic works
/// on. `Number` is double, or KahanSum where many histograms are added up.
namespace barograph {

template <typename Number>
struct SparseHistogram {
  struct Bucket {
    int64_t index;
    Number count;
  };
  using Buckets = std::vector<Bucket>;  // ascending, each index once

  CounterResetHint hint;
  int32_t schema;
  double zero_threshold;
  Number zero_count;
  Number count;
  Number sum;
  Buckets positive;
  Buckets negative;
  std::vector<double> custom_values;

  explicit SparseHistogram(const FloatHistogram& histogram);
  FloatHistogram ToHistogram() const;

  /// Calls apply(Number&) for every count and the sum.
  template <typename Apply>
  void ForEachNumber(Apply&& apply) {
    apply(zero_count);
    apply(count);
    apply(sum);
    for (Bucket& bucket : positive) apply(bucket.count);
    for (Bucket& bucket : negative) apply(bucket.count);
  }

  /// To fewer buckets; `to_schema` is at most the schema, and both are exponential.
  void Coarsen(int32_t to_schema);

  /// Makes the zero bucket as wide as `threshold`, or wider where that would cut a bucket that is
  /// not empty.
  void WidenZeroBucket(double threshold);

  /// The same observations over bounds that are a subset of the custom ones.
  void KeepBounds(const std::vector<double>& bounds);

  /// Of exponential histograms, drops the lowest buckets on either side that end within the zero
  /// bucket.
  void DropBelow(double threshold);

  /// Adds every number of `other`, after both have been brought to a common layout.
  Result<HistogramMerge> Add(SparseHistogram other);

 private:
  HistogramMerge MergeHint(CounterResetHint other);
  bool MatchBounds(SparseHistogram& other);
  void MatchExponential(SparseHistogram& other);
};

extern template struct SparseHistogram<double>;
extern template struct SparseHistogram<KahanSum>;

}  // namespace barograph
