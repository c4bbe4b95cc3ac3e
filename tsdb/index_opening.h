#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "tsdb/block/block.h"
#include "tsdb/index/series_index.h"
#include "tsdb/metrics.h"

/// How a database comes by its series index.
namespace barograph::tsdb {

struct OpenedIndex {
  std::unique_ptr<SeriesIndex> index;

  /// It is new, or made anew: of series that are in no block it knows nothing.
  bool is_new = false;
};

/// Opens the index in the folder `path`, after a look at every byte of it. One that is damaged is
/// set aside (renamed to *.damaged-TIME); one that is damaged or lost is made anew from the labels
/// that `blocks` carry, under the ids that series have there, and for the days that blocks cover.
/// Both are logged and counted. A crash meanwhile leaves it lost. Series of a block that came
/// after what the index has are added. Errors are those of SeriesIndex::Open but for Corruption.
Result<OpenedIndex> OpenIndex(const std::string& path, const SeriesIndexOptions& options,
                              std::span<const std::shared_ptr<const Block>> blocks,
                              const Clock& clock, const Logger& logger, Metrics& metrics);

}  // namespace barograph::tsdb
