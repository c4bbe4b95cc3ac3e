#pragma once

#include <cstddef>

#include "base/storage/statistics.h"
#include "tsdb/head/series_set.h"

namespace barograph::tsdb {

/// Counts the series of `set` by their labels: all of HeadStatistics but `chunks` and `range`.
/// Precondition: `limit` is not 0.
HeadStatistics CountSeries(const SeriesSet& set, size_t limit);

}  // namespace barograph::tsdb
