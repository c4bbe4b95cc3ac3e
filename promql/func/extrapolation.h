#pragma once

#include <cstdint>
#include <span>

#include "base/time.h"

/// The extrapolation of rate, increase and delta to the ends of their range, operation by operation
/// as in Prometheus (promql/functions.go, extrapolatedRate).
namespace barograph::promql {

struct RateKind {
  bool is_counter;
  bool per_second;
};

/// What the timestamps alone decide of a rate: computed once for series that share them.
struct RateGeometry {
  double to_start;  ///< seconds to extrapolate at the window's start, before the zero limit
  double to_end;
  double interval;  ///< seconds from the first to the last sample
};

inline double SecondsBetween(Timestamp from, Timestamp to) {
  return static_cast<double>((to - from).count()) / 1000;
}

/// Of a window with at least two samples, and a range that ends at `range_end_ms`.
inline RateGeometry GeometryOf(std::span<const Timestamp> window, int64_t range_end_ms,
                               int64_t range_ms) {
  const Timestamp first = window.front();
  const Timestamp last = window.back();
  double to_start = SecondsBetween(FromMs(range_end_ms - range_ms), first);
  double to_end = SecondsBetween(last, FromMs(range_end_ms));
  const double interval = SecondsBetween(first, last);
  const double average = interval / static_cast<double>(window.size() - 1);
  const double threshold = average * 1.1;
  if (to_start >= threshold) to_start = average / 2;
  if (to_end >= threshold) to_end = average / 2;
  return {to_start, to_end, interval};
}

/// The same where the counter is known to have been 0 at `start`, before the first sample: nothing
/// is extrapolated at the window's start, and one sample is enough.
inline RateGeometry GeometryFromStart(std::span<const Timestamp> window, Timestamp start,
                                      int64_t range_end_ms) {
  double average = 0;
  if (window.size() > 1) {
    average =
        SecondsBetween(window.front(), window.back()) / static_cast<double>(window.size() - 1);
  }
  double to_end = SecondsBetween(window.back(), FromMs(range_end_ms));
  if (to_end >= average * 1.1) to_end = average / 2;
  return {0, to_end, SecondsBetween(start, window.back())};
}

/// The factor with `to_start` seconds of extrapolation at the start.
inline double FactorOf(const RateGeometry& geometry, double to_start, RateKind kind,
                       double range_seconds) {
  double factor = 1;
  if (geometry.interval != 0) {
    factor = (geometry.interval + to_start + geometry.to_end) / geometry.interval;
  }
  if (kind.per_second) factor /= range_seconds;
  return factor;
}

/// What the increase between the first and the last sample is multiplied with. `first` is the first
/// sample; of a histogram, `first` and `increase` are its counts.
inline double ExtrapolationFactor(const RateGeometry& geometry, double first, double increase,
                                  RateKind kind, double range_seconds) {
  double to_start = geometry.to_start;
  if (kind.is_counter && increase > 0 && first >= 0) {
    // A counter does not come from below zero: no further back than where it would have been 0.
    const double to_zero = geometry.interval * (first / increase);
    if (to_zero < to_start) to_start = to_zero;
  }
  return FactorOf(geometry, to_start, kind, range_seconds);
}

}  // namespace barograph::promql
