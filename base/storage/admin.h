#pragma once

#include <string>

#include "base/model/matcher.h"
#include "base/result.h"
#include "base/time.h"

namespace barograph {

/// What an administrator does to stored samples (Prometheus, "TSDB Admin APIs"). Thread-safe.
class StorageAdmin {
 public:
  virtual ~StorageAdmin() = default;

  /// Hides the samples that matching series have now in `range`, for good; samples that come later
  /// are not hidden. When it returns, that is in the log.
  virtual Status DeleteSeries(TimeRange range, const Matchers& matchers) = 0;

  /// Takes deleted samples off the disk where they lie in blocks.
  virtual Status CleanTombstones() = 0;

  /// Makes a copy that a server can be started on, below the data folder's `snapshots`; its name
  /// there is returned. `skip_head` leaves out what is not in blocks yet.
  virtual Result<std::string> Snapshot(bool skip_head) = 0;
};

}  // namespace barograph
