#pragma once

#include <string>

#include "base/file_system.h"
#include "base/result.h"
#include "base/time.h"

namespace barograph::tsdb {

/// A name for a snapshot made at `now`: the time in UTC and a random number, as Prometheus has it
/// (20260131T140102Z-4f1c...).
std::string SnapshotName(Timestamp now);

/// Copies the segments in `from` to the existing folder `to`. Segments that are complete become
/// hard links; of the one that is being written, what it holds now is copied: a torn end is cut
/// off by whoever opens the copy.
Status CopyLog(FileSystem& files, const std::string& from, const std::string& to);

}  // namespace barograph::tsdb
