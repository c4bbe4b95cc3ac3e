#pragma once

#include <cstdint>

#include "base/storage/appendable.h"

/// Random series of every kind that PromQL meets: counters, gauges, NaN and infinities, classic
/// histograms, native ones of several schemas, gauges and with custom buckets, series that are
/// floats and histograms by turns, info metrics; with gaps, resets and staleness.
namespace barograph::differential {

constexpr int64_t kBeginMs = 1'700'000'000'000;
constexpr int64_t kIntervalMs = 15'000;
constexpr int kPoints = 80;

/// The same for the same seed. Numbers are such that sums of them are exact in any order.
void Fill(Appendable& storage, uint64_t seed);

}  // namespace barograph::differential
