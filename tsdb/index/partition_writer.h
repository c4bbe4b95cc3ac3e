#pragma once

#include <span>

#include "base/model/sample.h"
#include "base/result.h"
#include "tsdb/index/postings.h"

namespace barograph::tsdb::index {

/// SeriesIndex::AddToPartition. One writer at a time.
Status AddToPartition(Store& store, const PostingsReader& postings, PartitionList& partitions,
                      PartitionId day, std::span<const SeriesId> ids);

}  // namespace barograph::tsdb::index
