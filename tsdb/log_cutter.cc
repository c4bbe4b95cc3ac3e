#include "tsdb/log_cutter.h"

#include <algorithm>

namespace barograph::tsdb {

Status LogCutter::Cut() {
  wal::Log& log = parts_.path.log;
  const uint64_t current = TRY(log.Rotate());
  {
    // Samples that went to the log before are in the store when this lock was had.
    MutexLock lock(parts_.path.commit_mutex);
  }
  TRY(parts_.head.lone.SealAll({current, 0}));
  uint64_t needed = current;
  for (const auto& table : parts_.head.Tables()) {
    needed = std::min(needed, table->needs_segment());
    if (table->needs_segment() + 1 < current) table->RequestSeal();
  }
  TRY(parts_.head.SyncFiles());
  TRY(parts_.head.tombstones.Save());
  TRY(parts_.write_index());
  TRY(parts_.index.Flush());
  return log.RemoveBefore(needed);
}

}  // namespace barograph::tsdb
