#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/storage/queryable.h"
#include "tsdb/block/block.h"

namespace barograph::server::cli {

/// A report of what makes the series many, in the manner of promtool tsdb analyze: over all series
/// of `storage` that have a name, and from each of `blocks`, oldest first, to the next. Lists have
/// up to `limit` lines. Memory: the selection of all series, their label pairs, and the ids of two
/// blocks.
Result<std::string> Analyze(const Queryable& storage,
                            const std::vector<std::shared_ptr<const tsdb::Block>>& blocks,
                            size_t limit);

}  // namespace barograph::server::cli
