#pragma once

#include <span>
#include <stop_token>
#include <vector>

#include "base/model/matcher.h"
#include "base/result.h"
#include "tsdb/index/postings.h"

namespace barograph::tsdb::index {

/// For each of `partitions`, its series that match all of `matchers`.
///
/// A matcher becomes a set of series to keep, or, where it accepts the empty string, to take away.
/// Sets that can be looked up come first. What is left, expressions that must be tried on the
/// values of a label, is tried on all its values only when they are not many more than the series
/// that are left; else on these series' own labels.
Result<std::vector<Roaring>> MatchPartitions(const PostingsReader& postings,
                                             std::span<const Partition> partitions,
                                             const Matchers& matchers, const std::stop_token& stop);

/// The ids in `sets`, which are those of `partitions`: ascending, unique.
std::vector<SeriesId> JoinSets(std::span<const Partition> partitions,
                               std::span<const Roaring> sets);

/// How many values of a label may be looked at before it is cheaper to read the labels of `series`
/// series.
size_t ScanBudget(size_t series);

}  // namespace barograph::tsdb::index
