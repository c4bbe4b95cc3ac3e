#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "base/time.h"
#include "tsdb/head/lone_store.h"
#include "tsdb/head/series_registry.h"
#include "tsdb/head/table.h"
#include "tsdb/head/tombstones.h"
#include "tsdb/metrics.h"

namespace barograph::tsdb {

/// Everything that is in memory: the series, the tables of the targets, and the samples that came
/// alone. Knows no log: who appends writes there first. Thread-safe, each part in its own way.
class Head {
 public:
  Head(SeriesRegistry::Hooks hooks, size_t max_series, Metrics& metrics)
      : registry(max_series, std::move(hooks)), metrics_(metrics) {}

  SeriesRegistry registry;
  LoneStore lone;
  Tombstones tombstones;

  /// Adds the table that the log calls `id`, and returns its number here.
  uint32_t AddTable(uint64_t id);
  std::shared_ptr<Table> TableAt(uint32_t number) const;

  /// For the counters, and the head's bounds in time.
  void CountSamples(uint64_t count, TimeRange range);
  void ExtendRange(TimeRange range);
  void CountChunks(const SealCount& sealed);
  TimeRange range() const;

 private:
  Metrics& metrics_;
  mutable SharedMutex tables_mutex_;
  std::vector<std::shared_ptr<Table>> tables_ GUARDED_BY(tables_mutex_);
  mutable Mutex range_mutex_;
  TimeRange range_ GUARDED_BY(range_mutex_) = Table::kNoRange;
};

}  // namespace barograph::tsdb
