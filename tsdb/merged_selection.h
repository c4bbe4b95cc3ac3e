#pragma once

#include <memory>
#include <stop_token>

#include "base/model/matcher.h"
#include "base/result.h"
#include "base/storage/queryable.h"
#include "base/time.h"
#include "tsdb/head/head.h"
#include "tsdb/index/series_index.h"
#include "tsdb/view.h"

namespace barograph::tsdb {

/// The series of the head and the blocks that match and may have samples in the range, as `view`
/// shows them. The selection and its cursors must end before the head does. Of `hints`, what
/// the samples come with counts.
Result<std::unique_ptr<Selection>> SelectFromView(ViewPtr view, const Head& head,
                                                  const SeriesIndex& index, TimeRange range,
                                                  const Matchers& matchers,
                                                  const SelectHints& hints, std::stop_token stop);

/// The stretch of time that the view's blocks and `range` have in common; nullopt where no block
/// overlaps the range.
std::optional<TimeRange> OverlapWithBlocks(const View& view, TimeRange range);

}  // namespace barograph::tsdb
