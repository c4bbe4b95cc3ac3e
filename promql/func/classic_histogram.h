#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

/// Quantiles and fractions of classic histograms: cumulative buckets with upper bounds, as
/// Prometheus interpolates in them (promql/quantile.go).
namespace barograph::promql {

struct Bucket {
  double upper_bound;
  double count;  ///< of all observations up to the bound
};

/// The buckets' counts where they decreased, which a cumulative histogram's cannot.
struct BucketRepair {
  bool forced = false;  ///< something larger than rounding errors was repaired
  double min_bucket = 0;
  double max_bucket = 0;
  double max_diff = 0;
};

/// The upper bound that an le label tells, or nothing when it is not a number.
std::optional<double> ParseBucketBound(std::string_view le);

/// The q-quantile of `buckets`, which are in order of their bounds and not empty; edits them. NaN
/// without a +Inf bucket, a second bucket, or observations.
double BucketQuantile(double q, std::vector<Bucket>& buckets, BucketRepair& repair);

/// Cumulative buckets at many steps.
struct BucketColumns {
  std::span<const double> bounds;  ///< ascending strictly, the last one +Inf; at least two
  std::span<const double> counts;  ///< of bucket b at a step: counts[b * steps + step]
  size_t steps = 0;
};

/// BucketQuantile at every step at which all buckets are present and need no repair, which is
/// nearly all; `left` becomes the others.
void BucketQuantiles(std::span<const double> q, const BucketColumns& buckets, std::span<double> out,
                     std::vector<uint32_t>& left);

/// The fraction of observations between `lower` and `upper`. Same precondition.
double BucketFraction(double lower, double upper, std::vector<Bucket>& buckets);

}  // namespace barograph::promql
