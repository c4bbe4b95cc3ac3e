#pragma once

#include <functional>

#include "base/model/sample.h"
#include "base/mutex.h"
#include "base/result.h"
#include "tsdb/index/postings.h"

namespace barograph::tsdb::index {

/// SeriesIndex::DropPartitionsBefore. Takes `write_mutex`, which all writers hold, for short times.
Status DropPartitionsBefore(Store& store, const PostingsReader& postings, PartitionList& partitions,
                            Mutex& write_mutex, PartitionId day, SeriesId last,
                            const std::function<bool(SeriesId)>& keep);

}  // namespace barograph::tsdb::index
