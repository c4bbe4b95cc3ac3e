#include "tsdb/log_cutter.h"

#include <algorithm>

namespace barograph::tsdb {
namespace {

// How many segments back, a minute each, the rows that are in memory only may reach. More makes the
// log, its replay and the tails larger; fewer makes runs of so few rows that sealing them takes
// more of the CPU than what is sealed. At a scrape every 15 seconds a tail has 12 to 16 rows then.
constexpr uint64_t kSegmentsPerTail = 3;

}  // namespace

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
    if (table->needs_segment() + kSegmentsPerTail < current) table->RequestSeal();
  }
  TRY(parts_.head.SyncFiles());
  TRY(parts_.head.tombstones.Save());
  TRY(parts_.registry_file.Cover());  // or what the files hold would be nameless without an index
  TRY(parts_.write_index());
  TRY(parts_.index.Flush());
  return log.RemoveBefore(needed);
}

}  // namespace barograph::tsdb
