#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/time.h"
#include "tsdb/block/block_meta.h"

/// Which stretches of time blocks are made for, and which blocks are to be merged.
namespace barograph::tsdb {

/// The lengths of blocks' windows, from the one that the head is cut to up to the longest: each
/// three times the one before, as in Prometheus, and the last one cut to `longest`.
std::vector<Duration> WindowLengths(Duration shortest, Duration longest);

/// The aligned window of that length that holds `t`; both ends included.
TimeRange WindowOf(Timestamp t, Duration length);

/// The windows that cover `range`, which ends at `cut` (excluded; aligned to the shortest length):
/// short ones for what is recent, as long as possible for what is further back, so that the past
/// of years does not become thousands of blocks. Ascending.
std::vector<TimeRange> WindowsBefore(Timestamp cut, TimeRange range,
                                     std::span<const Duration> lengths);

/// The blocks that should become one now: indexes in `blocks`, ascending; empty when there are
/// none. A window is merged when it is over (a block begins after it) and holds more than one
/// block. Blocks that overlap one another are merged when they are many, or of like size: until
/// then readers merge them, which costs less than to write a large block again for a few late
/// samples.
std::vector<size_t> PlanMerge(std::span<const BlockMeta> blocks, std::span<const Duration> lengths);

/// The smallest window of one of the lengths that holds `range`, or `range` itself where none does.
TimeRange WindowAround(TimeRange range, std::span<const Duration> lengths);

}  // namespace barograph::tsdb
