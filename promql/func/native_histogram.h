#pragma once

#include <vector>

#include "base/model/histogram.h"
#include "promql/exec/annotator.h"

/// What functions tell of one native histogram, with Prometheus's interpolation within buckets:
/// exponential in those of exponential schemas, linear in custom ones and around zero.
namespace barograph::promql {

struct NativeBucket {
  double lower;
  double upper;
  double count;
};

/// The buckets that the spans cover and the zero bucket, in order of their bounds.
std::vector<NativeBucket> BucketsOf(const FloatHistogram& histogram);

/// A result, and what NaN observations did to it: they are in no bucket.
struct NativeEstimate {
  double value;
  NanEffect nan_effect = NanEffect::kNone;
};

/// The q-quantile of the observations.
NativeEstimate NativeQuantile(double q, const FloatHistogram& histogram);

/// The fraction of observations between `lower` and `upper`.
NativeEstimate NativeFraction(double lower, double upper, const FloatHistogram& histogram);

/// The variance of the observations, each taken to be in the middle of its bucket.
double NativeVariance(const FloatHistogram& histogram);

/// histogram_count, histogram_sum, histogram_avg, histogram_stddev, histogram_stdvar.
using HistogramFunction = double (*)(const FloatHistogram&);

/// nullptr when there is no such function.
HistogramFunction FindHistogramFunction(std::string_view name);

}  // namespace barograph::promql
