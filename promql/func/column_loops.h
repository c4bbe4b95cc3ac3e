#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// The innermost loops of the engine. They have no branches that depend on values, so that the
/// compiler makes vectors of them, and are compiled for the wider vectors of newer processors as
/// well. All keep Prometheus's order of operations: the same bits on every machine.
namespace barograph::promql {

/// Whether any value is a staleness marker, which is also an absent step.
bool AnyMarker(std::span<const double> values);

/// How many are not absent.
size_t CountPresentValues(std::span<const double> values);

/// Whether any of values[begin, end) is below the one before it. Precondition: begin > 0.
bool AnyDecrease(std::span<const double> values, uint32_t begin, uint32_t end);

/// Adds each present value to its step's compensated sum (base/model/kahan_sum.h); a sum is absent
/// until the first.
void AddToSums(std::span<const double> values, double* sums, double* compensations);

/// Adds up runs of values, run b being values[bounds[b], bounds[b + 1]), in order, each to a
/// compensated sum of its own that begins at 0. Precondition: no marker is among the values; as
/// many sums and compensations as runs.
void SumRuns(std::span<const double> values, std::span<const uint32_t> bounds,
             std::span<double> sums, std::span<double> compensations);

/// What the timestamps decide of a rate, for many steps: see func/rate.cc.
struct RateTable {
  std::vector<uint32_t> first;  ///< the window's first sample; 0 where there are not two
  std::vector<uint32_t> last;
  std::vector<double>
      factor;                ///< increase to result, where zero is far; absent without two samples
  std::vector<double> near;  ///< zero is far when first >= increase * near
};

/// The most steps that RatesOfIncreases takes at a time.
inline constexpr size_t kRateBlock = 64;

/// out[step] = (values[last] - values[first]) * factor of steps [begin, end). Whether zero is near
/// anywhere; there the result is wrong. Precondition: at most kRateBlock steps.
bool RatesOfIncreases(std::span<const double> values, const RateTable& table, size_t begin,
                      size_t end, std::span<double> out);
/// The same for what has no zero.
void RatesOfDeltas(std::span<const double> values, const RateTable& table, std::span<double> out);

/// Whether zero may be so near to a counter's first sample that extrapolation ends there. True at
/// times when it is not.
inline bool IsZeroNear(double first, double increase, double near) {
  constexpr double kTiny = 1e-280;  // below, the products lose precision
  const bool is_far = (increase >= kTiny) & (first >= increase * near);
  return (increase > 0) & (first >= 0) & !is_far;
}

/// Counts of buckets that differ less, relative to both, are taken as equal.
inline constexpr double kAlmostEqual = 1e-12;

/// The search for a quantile's bucket at some steps.
struct BucketSearch {
  static constexpr size_t kSteps = 128;
  std::array<double, kSteps> rank;
  std::array<int64_t, kSteps> found;  ///< buckets whose counts are below the rank
  std::array<int64_t, kSteps> clean;  ///< 1 where the counts seen need no repair
};

/// Takes one more bucket in. `next_counts` are those of the bucket after it.
void SearchBucket(const double* counts, const double* next_counts, size_t steps,
                  BucketSearch& search);

}  // namespace barograph::promql
