#pragma once

#include <span>

#include "base/model/histogram.h"

namespace barograph::tsdb {

/// The counter reset hint of a histogram, by the sample just before it; that is null where it is a
/// float or not known. As Prometheus's chunks have it: gauges stay gauges; what goes on from a
/// counter histogram is kNotReset; of any other nothing is known (kUnknown).
CounterResetHint HintAfter(const FloatHistogram* before, const FloatHistogram& histogram);

/// Sets the hints of what a query reads of one series, in time order; null where the sample is a
/// float. The first keeps the hint that it has.
void HintCounterResets(std::span<FloatHistogram* const> series);

}  // namespace barograph::tsdb
