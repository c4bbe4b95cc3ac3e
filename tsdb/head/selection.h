#pragma once

#include <memory>
#include <stop_token>

#include "base/model/matcher.h"
#include "base/result.h"
#include "base/storage/queryable.h"
#include "tsdb/head/head.h"

namespace barograph::tsdb {

/// The head's series that match and may have samples in the range. The selection and its cursors
/// must end before the head does.
///
/// A series with several sources (tables of earlier processes, a table and lone samples) reads as
/// one: merged by time; of two samples at one time the one whose source the series had first wins.
/// Of `hints`, what the samples come with counts. Corruption, here or from a cursor, where it needs
/// a damaged run of a table, unless those are to be left out.
Result<std::unique_ptr<Selection>> SelectFromHead(const Head& head, const HeadBounds& bounds,
                                                  TimeRange range, const Matchers& matchers,
                                                  const SelectHints& hints, std::stop_token stop,
                                                  DamagedRuns damaged = DamagedRuns::kFail);

/// The same of series that the head's registry found.
Result<std::unique_ptr<Selection>> SelectFromHead(const Head& head, const HeadBounds& bounds,
                                                  TimeRange range,
                                                  const SeriesRegistry::Found& found,
                                                  const SelectHints& hints, std::stop_token stop,
                                                  DamagedRuns damaged = DamagedRuns::kFail);

/// The series that SelectFromHead would select.
Result<SeriesRegistry::Found> MatchInHead(const Head& head, const HeadBounds& bounds,
                                          TimeRange range, const Matchers& matchers,
                                          std::stop_token stop);

}  // namespace barograph::tsdb
