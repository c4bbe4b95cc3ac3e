#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tsdb/chunk/run_format.h"

/// What is left of a run's integers once their common divisor and their trend are taken out.
/// Arithmetic wraps, so everything can be undone.
namespace barograph::tsdb {

/// The largest number that divides all distances from the first integer: 4096 for memory in
/// pages. At least 1. Where `powers_of_two_only`, the largest power of two of that kind.
uint64_t CommonDivisor(std::span<const uint64_t> integers, bool powers_of_two_only);

/// Replaces each integer by its distance from the first, divided by `divisor`.
void TakeDistances(std::span<uint64_t> integers, uint64_t divisor);

/// The residuals of `distances` (the first of which is 0 and has none): one fewer than those for
/// kRaw and kDelta, two fewer for kDoubleDelta, whose first delta stands apart.
void TakeResiduals(std::span<const uint64_t> distances, RunTransform transform,
                   std::vector<uint64_t>& residuals);

}  // namespace barograph::tsdb
