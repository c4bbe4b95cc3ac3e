#pragma once

#include <span>

#include "base/model/histogram.h"

namespace barograph::tsdb {

/// Sets the counter reset hints of what a query reads of one series, in time order; null where the
/// sample is a float. As Prometheus's chunks do: gauges stay gauges; a histogram that goes on from
/// the counter histogram just before it is kNotReset; of any other nothing is known (kUnknown).
void HintCounterResets(std::span<FloatHistogram* const> series);

}  // namespace barograph::tsdb
