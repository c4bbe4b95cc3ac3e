#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/file_system.h"
#include "base/log.h"
#include "base/memory_limit.h"
#include "base/metrics/registry.h"
#include "base/result.h"
#include "base/storage/admin.h"
#include "base/storage/appendable.h"
#include "base/storage/exemplars.h"
#include "base/storage/queryable.h"
#include "base/storage/statistics.h"
#include "base/time.h"
#include "tsdb/index/series_index.h"

/// The storage engine.
namespace barograph::tsdb {

class Block;

/// When what was appended is forced to the device. In every mode it survives the death of the
/// process; this is about the death of the machine.
enum class WalFsync : uint8_t {
  kInterval,  ///< every fsync_interval, for all together
  kAlways,    ///< before an append returns; those that wait at the same time share one fsync
  kOff,       ///< when the kernel likes, and at Close
};

/// What is kept. 0 is no bound.
struct Retention {
  Duration time{std::chrono::days(15)};
  uint64_t bytes = 0;          ///< of everything but snapshots; only blocks are removed for it
  double disk_percentage = 0;  ///< the same as a share of the disk; goes before `bytes`
};

struct Options {
  std::string path;
  Duration min_block_duration{std::chrono::hours(2)};
  Duration max_block_duration{std::chrono::hours(36)};
  Retention retention = {};

  /// How often it is looked what is to be done: blocks to cut and merge, log to remove. Whether
  /// the head holds two windows more than it should is looked for up to sixty times as often.
  std::chrono::milliseconds maintenance_interval{60'000};

  WalFsync wal_fsync = WalFsync::kInterval;
  std::chrono::milliseconds fsync_interval{1000};
  uint64_t wal_segment_bytes = uint64_t{128} << 20;
  size_t max_series = 0;  ///< in memory; 0 is no limit

  /// While it is tight no new series are taken. Null is no limit; must outlive the database.
  const MemoryLimit* memory = nullptr;
  bool no_lockfile = false;

  /// How much older than the newest of all a sample may be that is older than its series' newest;
  /// unset takes any age, 0 none.
  std::optional<Duration> out_of_order_window = std::nullopt;

  /// How many exemplars are kept; 0 keeps none, and leaves alone what is on the disk.
  size_t max_exemplars = 0;

  /// Whether the start timestamps that come with samples are kept.
  bool store_start_timestamps = true;

  /// Whether a zero is stored where a sample began, for queries that look at values alone: where it
  /// is newer than all of its series, and no older than half of `min_block_duration`.
  bool zeros_at_start_timestamps = false;

  /// How often new series are written to the series index on disk.
  std::chrono::milliseconds index_interval{10'000};

  /// Where the series index lives; empty is `path`/index. It is RocksDB's and on the machine's own
  /// disk, whatever the FileSystem is.
  std::string index_path;
  SeriesIndexOptions index = {};
};

/// A folder of samples, open for reading and writing: `path`/wal, `path`/head, `path`/blocks,
/// `path`/index, `path`/exemplars, `path`/lock, `path`/snapshots.
///
/// The newest samples are in the head: in memory and in files of sealed runs, behind the log. Every
/// window (two hours) what is old enough moves to a block, and blocks are merged to longer ones.
///
/// Appending: a row or a commit is in the write-ahead log before it is visible, and visible before
/// the call returns. After a crash the next Open finds everything that was acknowledged.
/// Reading: never waits for a disk.
///
/// Thread-safe. Tables, appenders, selections and cursors must end before the database does.
class Database : public Appendable,
                 public Queryable,
                 public StorageAdmin,
                 public StatisticsSource,
                 public ExemplarAppendable,
                 public ExemplarQueryable {
 public:
  /// Opens or makes the database and replays its log. Unavailable when another process has it.
  /// `files`, `clock` and `metrics` must outlive the database.
  static Result<std::unique_ptr<Database>> Open(FileSystem& files, const Clock& clock,
                                                Logger logger, MetricsRegistry& metrics,
                                                Options options);

  /// Closes; errors are only logged.
  ~Database() override;

  /// Writes and syncs everything. Nothing may be appended afterwards; reading goes on. A second
  /// call does nothing.
  Status Close();

  /// Forces to the device what was appended so far.
  Status Sync();

  /// What the maintenance thread does from time to time, now: cuts the head where that is due,
  /// merges blocks, applies the retention, removes old segments of the log.
  Status Maintain();

  /// Replaces what the options say, from the next round on.
  void SetRetention(Retention retention);
  Retention retention() const;

  /// Replaces Options::out_of_order_window. Exemplars that are out of order are taken only where
  /// one is set.
  void SetOutOfOrderWindow(std::optional<Duration> window);

  /// Keeps that many exemplars from now on; with 0 all go, those on the disk, too.
  Status SetMaxExemplars(size_t count);

  /// The blocks, oldest first.
  std::vector<std::shared_ptr<const Block>> Blocks() const;

  Result<std::unique_ptr<ScrapeTable>> OpenTable() override;
  std::unique_ptr<Appender> NewAppender() override;

  Result<std::unique_ptr<Selection>> Select(TimeRange range, const Matchers& matchers,
                                            const SelectHints& hints,
                                            std::stop_token stop) const override;
  Result<std::vector<std::string>> LabelNames(const LabelQuery& query,
                                              std::stop_token stop) const override;
  Result<std::vector<std::string>> LabelValues(const std::string& name, const LabelQuery& query,
                                               std::stop_token stop) const override;
  Result<std::vector<Labels>> Series(const LabelQuery& query, std::stop_token stop) const override;
  ChangeMark MarkChanges() const override;
  std::optional<TimeRange> UnchangedSince(ChangeMark mark) const override;

  Result<std::vector<ExemplarVerdict>> AppendExemplars(
      std::span<const SeriesExemplar> exemplars) override;
  Result<std::vector<ExemplarSeries>> SelectExemplars(TimeRange range,
                                                      std::span<const Matchers> selectors,
                                                      std::stop_token stop) const override;

  HeadStatistics CountHead(size_t limit) const override;
  std::vector<BlockStatistics> CountBlocks() const override;

  Status DeleteSeries(TimeRange range, const Matchers& matchers) override;
  Status CleanTombstones() override;
  Result<std::string> Snapshot(bool skip_head) override;

 private:
  struct Impl;
  explicit Database(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace barograph::tsdb
