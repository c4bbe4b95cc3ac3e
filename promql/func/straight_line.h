#pragma once

#include "base/model/sample.h"

namespace barograph::promql {

/// The value at `at` on the straight line through two samples, with the rounding of Prometheus's
/// interpolate.
inline double ValueOnLine(Sample from, Sample to, Timestamp at) {
  return from.value + (to.value - from.value) * static_cast<double>((at - from.timestamp).count()) /
                          static_cast<double>((to.timestamp - from.timestamp).count());
}

}  // namespace barograph::promql
