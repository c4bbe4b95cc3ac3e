#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/file_system.h"
#include "base/log.h"
#include "base/model/sample.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/time.h"
#include "tsdb/head/lone_chunks.h"
#include "tsdb/head/lone_series.h"
#include "tsdb/head/run_files.h"
#include "tsdb/head/sample_columns.h"
#include "tsdb/wal/format.h"

namespace barograph::tsdb {

/// Samples of series that come one at a time, floats and native histograms, in any order: from
/// rules, remote write or with timestamps of their own. Runs of them move to files as they are
/// made. Format: docs/formats/head.md.
///
/// Generations. Each sample belongs to one. Freeze ends the current one for all that is older than
/// a cut: such samples can be read apart, for a block, and are dropped together, once nobody wants
/// to see them here any more. A reader says which generation is the first that it sees; samples
/// that are not frozen are always seen.
///
/// Errors. Runs that cannot be written stay in memory and are tried again: nothing is lost.
///
/// Thread-safe. Writers of one series must take turns between Check and Append. Freeze, DropThrough
/// and SealAll hold up the appends of a 32nd of the series at a time.
class LoneStore {
 public:
  struct Options {
    std::string directory;
    uint64_t file_bytes = uint64_t{64} << 20;
    size_t batch_bytes = size_t{1} << 20;  ///< of runs that wait in memory to be written
    uint64_t dropped_through = 0;          ///< what SettleFrozen gave last
    std::function<void()> on_damage = {};  ///< RunFiles::Options::on_damage
  };

  /// Gives the store its files, and restores what they hold. Once, before anything else uses the
  /// store; without, everything stays in memory. `files` must outlive the store.
  Status Open(FileSystem& files, Logger logger, Options options);

  /// Up to where the files hold what the log has for the store: older records need no replay.
  /// Segment 0, offset 0 where that is not known.
  wal::Position sealed_position() const;

  /// What Append will do with the sample.
  LoneVerdict Check(SeriesId series, const LonePoint& point) const;

  struct Appended {
    bool sample = false;  ///< false when it was there, or another one at its time
    bool first = false;   ///< of its series
    size_t sealed_chunks = 0;
  };

  /// Makes the sample visible. A histogram's counter reset hint must be kGauge or kUnknown.
  Appended Append(SeriesId series, const LonePoint& point);

  /// The same of samples that the log has one after the other, some or all of which may be in files
  /// already. `sample` is whether any was not.
  Appended AppendLogged(SeriesId series, std::span<const LonePoint> points);

  /// Puts everything that is older than `cut` into the current generation, whose number is
  /// returned, and the rest into the next, where what comes from now on belongs as well. Takes a
  /// few microseconds a series.
  uint64_t Freeze(Timestamp cut);

  /// Sees to it that nothing but what is frozen needs the files that were there at the last Freeze,
  /// and returns the last one's number. Once the caller keeps that for the next Open, what is
  /// frozen does not come back. An error where Freeze could not write all of it: then a later file
  /// may get it, which would bring it back. The next Freeze can make it good.
  Result<uint64_t> SettleFrozen();

  /// Forgets the samples of all generations up to this one, and removes their files. Io when a file
  /// could not be removed: it goes with the next call.
  Status DropThrough(uint64_t generation);

  /// Moves all samples to files and syncs them, with word that everything that the log holds for
  /// the store before `position` is there or was dropped. On an error there is no such word.
  Status SealAll(wal::Position position);

  /// Forces to the device what was written to files so far.
  Status Sync();

  /// From the oldest sample to the newest, or more; the opposite of all time when there is none.
  /// Looks at all series.
  TimeRange range() const;

  /// All series that have samples, ascending.
  std::vector<SeriesId> Series() const;

  /// The time of the oldest sample of this generation and later; kMaxTimestamp where there is none.
  /// Looks at all series.
  Timestamp Oldest(uint64_t min_generation) const;

  /// Whether the series may have samples in the range, of this generation and later.
  bool Overlaps(SeriesId series, TimeRange range, uint64_t min_generation = 0) const;

  /// The same of many series, in place of what `overlaps` had: parallel to `ids`. Also has the
  /// memory fetched that is read next of those that do.
  void FindOverlapping(std::span<const SeriesId> ids, TimeRange range, uint64_t min_generation,
                       std::vector<char>& overlaps) const;

  /// Appends the samples in the range, of this generation and later, to `out`, in time order.
  /// Counter reset hints are kGauge or kUnknown, but the first sample's may be known by one before
  /// the range; HintCounterResets (tsdb/chunk/histogram_hints.h) finds the others.
  Status Read(SeriesId series, TimeRange range, uint64_t min_generation, SampleColumns& out) const;

  /// The same undecoded and in no order, in place of what `pieces` had. False where the store has
  /// nothing of the series.
  bool Collect(SeriesId series, TimeRange range, uint64_t min_generation, LonePieces& pieces) const;

  /// What was read of the files needs no memory any more, until it is read again.
  void ReleaseFiles() const {
    if (files_ != nullptr) files_->Release();
  }

  /// What the store takes in memory; looks at all series.
  size_t memory_bytes() const;
  uint64_t file_bytes() const { return files_ == nullptr ? 0 : files_->bytes(); }

 private:
  struct Shard {
    mutable SharedMutex mutex;
    boost::unordered_flat_map<uint64_t, LoneSeries> series GUARDED_BY(mutex);
    LoneChunks chunks GUARDED_BY(mutex);
    uint64_t generation GUARDED_BY(mutex) = 0;
    size_t write_at GUARDED_BY(mutex) = 0;  // unwritten bytes
  };

  void RestorePayload(const RunFiles::Stored& stored);
  bool RestoreRuns(const RunFiles::Stored& stored);
  void WriteWhenFull(Shard& shard) REQUIRES(shard.mutex);
  void FreezeShard(Shard& shard, Timestamp cut, uint64_t generation) REQUIRES(maintenance_mutex_);
  Status SealShard(Shard& shard);
  Status WriteRest() REQUIRES(maintenance_mutex_);
  Status WritePosition() REQUIRES(maintenance_mutex_);
  Status DropFiles() REQUIRES(maintenance_mutex_);
  static Status ReadRuns(const std::vector<LoneRunBytes>& runs, TimeRange range,
                         std::vector<SampleColumns> rest, SampleColumns& out);

  static void FindOverlapping(const Shard& shard, std::span<const SeriesId> ids,
                              std::span<const uint32_t> indexes, TimeRange range,
                              uint64_t min_generation, std::vector<char>& overlaps);

  Shard& ShardOf(SeriesId series) { return shards_[static_cast<uint64_t>(series) % kShards]; }
  const Shard& ShardOf(SeriesId series) const {
    return shards_[static_cast<uint64_t>(series) % kShards];
  }

  static constexpr size_t kShards = 32;
  std::array<Shard, kShards> shards_;
  std::unique_ptr<RunFiles> files_;
  Logger logger_;
  size_t shard_batch_bytes_ = 0;
  std::atomic<bool> freezing_ = false;

  mutable Mutex maintenance_mutex_;  // before the shards'
  uint64_t generation_ GUARDED_BY(maintenance_mutex_) = 0;
  uint64_t frozen_file_ GUARDED_BY(maintenance_mutex_) = 0;  // those after it hold no older samples
  Status frozen_written_ GUARDED_BY(maintenance_mutex_);     // whether those up to it have them all
  wal::Position position_ GUARDED_BY(maintenance_mutex_);
};

}  // namespace barograph::tsdb
