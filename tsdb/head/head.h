#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/time.h"
#include "tsdb/head/head_bounds.h"
#include "tsdb/head/lone_store.h"
#include "tsdb/head/series_registry.h"
#include "tsdb/head/table.h"
#include "tsdb/head/table_files.h"
#include "tsdb/head/tombstones.h"
#include "tsdb/metrics.h"

namespace barograph::tsdb {

/// Everything that is in memory: the series, the tables of the targets, and the samples that came
/// alone. Knows no log: who appends writes there first. Thread-safe, each part in its own way.
class Head {
 public:
  Head(SeriesRegistry::Hooks hooks, size_t max_series, Metrics& metrics)
      : registry(max_series, std::move(hooks)), metrics_(metrics) {}

  /// Makes the runs that were sealed so far survive the machine's death.
  Status SyncFiles();

  /// What was read of the head's files needs no memory any more, until it is read again.
  void ReleaseFiles() const;

  SeriesRegistry registry;
  LoneStore lone;
  Tombstones tombstones;

  /// Opens the files of sealed runs in `directory`, and takes over what they hold. The series of
  /// the runs' columns have to be made known to the registry afterwards. `dropped_lone_files` is
  /// LoneStore::Options::dropped_through.
  /// Tombstones that are damaged are set aside, which the log tells: what they deleted is back.
  Status OpenFiles(FileSystem& files, const std::string& directory, const Logger& logger,
                   uint64_t dropped_lone_files);

  /// Adds the table that the log calls `id`, and returns its number here.
  uint32_t AddTable(uint64_t id);

  /// Null where the table is gone.
  std::shared_ptr<Table> TableAt(uint32_t number) const;
  std::vector<std::shared_ptr<Table>> Tables() const;
  std::vector<std::pair<uint32_t, std::shared_ptr<Table>>> NumberedTables() const;

  /// The number of the table that OpenFiles found under that id.
  std::optional<uint32_t> RestoredTable(uint64_t id) const;

  /// The highest such id; 0 where there is none.
  uint64_t LastRestoredTable() const { return restored_.empty() ? 0 : restored_.rbegin()->first; }

  /// Forgets what the tables hold before `cut`. Precondition: no reader looks there any more.
  Status DropBefore(Timestamp cut);

  /// Lets the series go that have no samples in the head any more, once they are many; not those
  /// above `last`, which the index does not know yet. How many went. Looks at all series, so only
  /// after DropBefore, and when many have come. One thread at a time, which DropBefore is called
  /// on as well.
  size_t ForgetIdleSeries(SeriesId last);

  /// Counts samples that were appended, not those of a replay; `range` is as for ExtendRange.
  void CountSamples(uint64_t floats, uint64_t histograms, TimeRange range);

  /// The head has samples in `range`.
  void ExtendRange(TimeRange range);
  void CountChunks(const SealCount& sealed);
  TimeRange range() const;

  /// The time of the oldest sample within the bounds; kMaxTimestamp where there is none. Looks at
  /// all lone series.
  Timestamp Oldest(const HeadBounds& bounds) const;

  /// Takes over that only what is within the bounds is still looked at here.
  void NoteBounds(const HeadBounds& bounds);

 private:
  Status LoadTombstones(FileSystem& files, const std::string& directory, const Logger& logger);
  void ShowMin() REQUIRES(range_mutex_);

  Metrics& metrics_;
  std::unique_ptr<TableFiles> table_files_;  // before the tables
  mutable SharedMutex tables_mutex_;
  std::vector<std::shared_ptr<Table>> tables_ GUARDED_BY(tables_mutex_);
  std::map<uint64_t, uint32_t> restored_;  // numbers by id; set once
  bool dropped_ = true;                    // since idle series were looked for; also at the start
  size_t looked_at_ = 0;                   // series, when they were looked for
  mutable Mutex range_mutex_;
  TimeRange range_ GUARDED_BY(range_mutex_) = Table::kNoRange;
};

}  // namespace barograph::tsdb
