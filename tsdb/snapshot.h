#pragma once

#include <string>

#include "base/file_system.h"
#include "base/result.h"
#include "base/time.h"

namespace barograph::tsdb {

/// A name for a snapshot made at `now`: the time in UTC and a random number, as Prometheus has it
/// (20260131T140102Z-4f1c...).
std::string SnapshotName(Timestamp now);

/// Makes the folder `to`, with the files of `from` as hard links.
Status LinkFolder(FileSystem& files, const std::string& from, const std::string& to);

}  // namespace barograph::tsdb
