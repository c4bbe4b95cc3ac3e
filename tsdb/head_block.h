#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "base/file_system.h"
#include "base/result.h"
#include "base/time.h"
#include "tsdb/block/block.h"
#include "tsdb/head/head.h"
#include "tsdb/head/selection.h"
#include "tsdb/index/series_index.h"

/// The step from the head to a block.
namespace barograph::tsdb {

/// Writes a block of what the head holds in `window` and `bounds` do not hide, without what is
/// deleted; null where that is nothing. Memory: what a block's writer holds, some 16 bytes a
/// series, and some 60 for each of `series_at_once` series, or of those of one metric. As they are
/// selected some at a time, one metric may be written a moment later than another, where the head
/// still takes samples of the window. Cancelled when stopped.
Result<std::shared_ptr<const Block>> WriteHeadBlock(FileSystem& files, const std::string& directory,
                                                    Ulid ulid, const Head& head,
                                                    const HeadBounds& bounds, TimeRange window,
                                                    std::stop_token stop,
                                                    size_t series_at_once = size_t{1} << 16);

/// Notes the block's series in the index, for the days that it covers. Not flushed.
Status NoteInIndex(SeriesIndex& index, const Block& block);

}  // namespace barograph::tsdb
