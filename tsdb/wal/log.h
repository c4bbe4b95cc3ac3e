#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/log.h"
#include "base/model/sample.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/time.h"
#include "tsdb/metrics.h"
#include "tsdb/wal/format.h"

namespace barograph::tsdb::wal {

/// Names a point in the log: everything up to it was written before.
using Lsn = uint64_t;

/// The write-ahead log's writing end: a folder of numbered segments, of which the newest grows.
///
/// Append is one write(2): what it returns for is in the kernel's hands and survives the death of
/// the process. WaitDurable, or Sync from time to time, makes it survive the machine's; callers
/// that wait at the same time share one fsync.
///
/// Errors. A write that fails, as on a full disk, is undone (the segment is cut back to its last
/// good record) and the caller may try again. An fsync that fails is final: what the kernel did
/// with the bytes is unknown, so every later call fails too, and says so.
///
/// Thread-safe. Appends wait for each other's write(2) and for no fsync, but for the making of a
/// new segment.
class Log {
 public:
  struct Options {
    std::string directory;
    uint64_t segment_bytes = uint64_t{128} << 20;
  };
  /// The segment to go on with: one of `size` good bytes, or a new one when size is 0.
  struct Start {
    uint64_t segment = 0;
    uint64_t size = 0;
  };

  static Result<std::unique_ptr<Log>> Open(FileSystem& files, const Clock& clock, Logger logger,
                                           LogMetrics metrics, Options options, Start start);
  ~Log();

  /// Makes the next Append, whoever's it is, begin with the definition of this series. Never fails.
  void QueueSeries(SeriesId id, std::string_view packed_labels);

  /// Appends the records as one write (none: only what is queued). On an error the log has nothing
  /// of them.
  Result<Lsn> Append(std::span<const Record> records);

  /// The segment that grows. What is appended from now on is in it or in a later one.
  uint64_t segment() const { return segment_number_; }

  /// Begins a new segment, unless nothing is in the current one; the number of the segment that
  /// grows from then on.
  Result<uint64_t> Rotate();

  /// Removes the segments below `segment`, none of which is the one that grows.
  Status RemoveBefore(uint64_t segment);

  /// Returns once everything up to `lsn` is on the device.
  Status WaitDurable(Lsn lsn);
  Status Sync() { return WaitDurable(appended_); }

  /// Syncs; from then on Append is refused with Unavailable. A second call does nothing.
  Status Close();

 private:
  struct SegmentFile {
    std::unique_ptr<WritableFile> file;  // a handle of its own: fsync waits for no append
    uint64_t number;
  };

  Log(FileSystem& files, const Clock& clock, Logger logger, LogMetrics metrics, Options options);

  Status OpenSegment(uint64_t number, uint64_t size) REQUIRES(append_mutex_);
  Status RotateIfFull() REQUIRES(append_mutex_);
  void TakeQueuedSeries() REQUIRES(append_mutex_);
  void AddFrame(const Record& record) REQUIRES(append_mutex_);
  Status WriteBuffer() REQUIRES(append_mutex_);
  void CutBack() REQUIRES(append_mutex_);
  std::string PathOf(uint64_t number) const;

  void LeadSync() REQUIRES(sync_mutex_);
  Status SyncFiles(std::span<const std::shared_ptr<SegmentFile>> files);
  size_t CountUnsynced();
  Status Failure();

  FileSystem& files_;
  const Clock& clock_;
  const Logger logger_;
  const LogMetrics metrics_;
  const Options options_;

  Mutex queue_mutex_;
  std::string queue_ GUARDED_BY(queue_mutex_);  // the entries of a series record

  Mutex append_mutex_;
  std::unique_ptr<WritableFile> file_ GUARDED_BY(append_mutex_);
  uint64_t segment_ GUARDED_BY(append_mutex_) = 0;
  uint64_t offset_ GUARDED_BY(append_mutex_) = 0;
  bool closed_ GUARDED_BY(append_mutex_) = false;
  bool abandon_ GUARDED_BY(append_mutex_) = false;  // the segment's end could not be cut back
  std::string buffer_ GUARDED_BY(append_mutex_);
  std::string new_series_ GUARDED_BY(append_mutex_);       // defined by this write
  std::string repeated_series_ GUARDED_BY(append_mutex_);  // defined by the last one that did
  std::atomic<Lsn> appended_ = 0;
  std::atomic<uint64_t> segment_number_ = 0;  // segment_, for everyone

  Mutex sync_mutex_;  // after append_mutex_
  ConditionVariable synced_ GUARDED_BY(sync_mutex_);
  bool syncing_ GUARDED_BY(sync_mutex_) = false;
  Lsn durable_ GUARDED_BY(sync_mutex_) = 0;
  std::vector<std::shared_ptr<SegmentFile>> unsynced_ GUARDED_BY(sync_mutex_);  // last: current
  Status failure_ GUARDED_BY(sync_mutex_);
  std::atomic<bool> failed_ = false;
};

}  // namespace barograph::tsdb::wal
