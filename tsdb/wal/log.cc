#include "tsdb/wal/log.h"

#include <algorithm>

#include "base/containers.h"
#include "tsdb/wal/record.h"

namespace barograph::tsdb::wal {
namespace {

// Gives the write buffer back after a row of unusual size.
constexpr size_t kKeepBufferBytes = size_t{4} << 20;

constexpr size_t kUnsyncedSegments = 8;

}  // namespace

Log::Log(FileSystem& files, const Clock& clock, Logger logger, LogMetrics metrics, Options options)
    : files_(files),
      clock_(clock),
      logger_(std::move(logger)),
      metrics_(metrics),
      options_(std::move(options)) {}

Log::~Log() = default;

Result<std::unique_ptr<Log>> Log::Open(FileSystem& files, const Clock& clock, Logger logger,
                                       LogMetrics metrics, Options options, Start start) {
  std::unique_ptr<Log> log(new Log(files, clock, std::move(logger), metrics, std::move(options)));
  MutexLock lock(log->append_mutex_);
  TRY(log->OpenSegment(start.segment, start.size));
  return log;
}

std::string Log::PathOf(uint64_t number) const {
  return options_.directory + "/" + SegmentName(number);
}

Status Log::OpenSegment(uint64_t number, uint64_t size) {
  const std::string path = PathOf(number);
  auto file = TRY(files_.OpenWritable(path, size == 0 ? OpenMode::kCreate : OpenMode::kAppend));
  if (size == 0) {
    TRY(file->Append(kSegmentMagic));
    TRY(files_.SyncDirectory(options_.directory));
  }
  auto sync_handle = std::make_shared<SegmentFile>();
  sync_handle->file = TRY(files_.OpenWritable(path, OpenMode::kAppend));
  sync_handle->number = number;
  file_ = std::move(file);
  segment_ = number;
  segment_number_ = number;
  offset_ = size == 0 ? kSegmentMagic.size() : size;
  abandon_ = false;
  metrics_.segment.Set(static_cast<double>(number));
  MutexLock lock(sync_mutex_);
  unsynced_.push_back(std::move(sync_handle));
  return {};
}

void Log::QueueSeries(SeriesId id, std::string_view packed_labels) {
  MutexLock lock(queue_mutex_);
  AppendSeriesEntry(queue_, id, packed_labels);
}

// The series that wait for their definition. Each is defined by two writes, so that one bad record
// does not make its samples nameless.
void Log::TakeQueuedSeries() {
  {
    MutexLock lock(queue_mutex_);
    new_series_ += queue_;
    FreeMemory(queue_);
  }
  if (!repeated_series_.empty()) AddFrame({RecordType::kSeries, repeated_series_});
  if (!new_series_.empty()) AddFrame({RecordType::kSeries, new_series_});
}

void Log::AddFrame(const Record& record) {
  AppendFrame(buffer_, record, {segment_, offset_ + buffer_.size()});
}

Result<Lsn> Log::Append(std::span<const Record> records) {
  MutexLock lock(append_mutex_);
  if (closed_) return Fail(ErrorCode::kUnavailable, "the storage is closed");
  if (failed_) return std::unexpected(Failure().error());
  for (const Record& record : records) {
    if (record.payload.size() > kMaxPayloadBytes) {
      return Fail(ErrorCode::kLimitExceeded, "write-ahead log: a record is over 64 MiB");
    }
  }
  Status written = RotateIfFull();
  if (written) {
    buffer_.clear();
    TakeQueuedSeries();
    for (const Record& record : records) AddFrame(record);
    written = WriteBuffer();
  }
  if (!written) {
    metrics_.writes_failed.Increment();
    return std::unexpected(Annotate(std::move(written).error(), "write-ahead log"));
  }
  repeated_series_ = std::exchange(new_series_, {});
  return appended_.load();
}

Status Log::RotateIfFull() {
  const bool full = offset_ >= options_.segment_bytes;
  if (!full && !abandon_) return {};
  // Where nobody syncs, complete segments do not pile up.
  if (CountUnsynced() >= kUnsyncedSegments) TRY(Sync());
  return OpenSegment(segment_ + 1, 0);
}

Result<uint64_t> Log::Rotate() {
  MutexLock lock(append_mutex_);
  if (closed_) return Fail(ErrorCode::kUnavailable, "the storage is closed");
  if (offset_ > kSegmentMagic.size()) TRY(OpenSegment(segment_ + 1, 0));
  return segment_;
}

Status Log::RemoveBefore(uint64_t segment) {
  uint64_t removed_bytes = 0;
  Status removed;
  for (const DirectoryEntry& entry : TRY(files_.List(options_.directory))) {
    const auto number = ParseSegmentName(entry.name);
    if (!number || *number >= std::min(segment, this->segment())) continue;
    removed = files_.Remove(PathOf(*number));
    if (!removed) break;
    removed_bytes += entry.size;
  }
  metrics_.bytes.Increment(-static_cast<double>(removed_bytes));
  return removed;
}

Status Log::WriteBuffer() {
  if (buffer_.empty()) return {};
  if (Status written = file_->Append(buffer_); !written) {
    CutBack();
    return written;
  }
  offset_ += buffer_.size();
  appended_ += buffer_.size();
  metrics_.bytes.Increment(static_cast<double>(buffer_.size()));
  if (buffer_.capacity() > kKeepBufferBytes) FreeMemory(buffer_);
  return {};
}

void Log::CutBack() {
  if (Status cut = file_->Truncate(offset_); !cut) {
    abandon_ = true;
    logger_.Error("The write-ahead log's segment could not be cut back; a new one is begun",
                  {{"segment", segment_}, {"err", cut.error()}});
  }
}

Status Log::Close() {
  {
    MutexLock lock(append_mutex_);
    closed_ = true;
  }
  return Sync();
}

Status Log::WaitDurable(Lsn lsn) {
  MutexLock lock(sync_mutex_);
  while (durable_ < lsn) {
    if (!failure_) return failure_;
    if (syncing_) {
      synced_.Wait(sync_mutex_);
    } else {
      LeadSync();
    }
  }
  return {};
}

// Syncs for all who wait. The lock is given up meanwhile.
void Log::LeadSync() {
  syncing_ = true;
  // What is counted in `target` went to a file that is in `unsynced_` by now.
  const Lsn target = appended_;
  const std::vector<std::shared_ptr<SegmentFile>> files = unsynced_;
  sync_mutex_.unlock();
  Status synced = SyncFiles(files);
  sync_mutex_.lock();
  syncing_ = false;
  if (synced) {
    durable_ = target;
    // All but the newest of them are complete: nothing is appended to them any more.
    unsynced_.erase(unsynced_.begin(),
                    unsynced_.begin() + static_cast<ptrdiff_t>(files.size()) - 1);
  } else {
    failure_ = std::unexpected(
        Annotate(std::move(synced).error(),
                 "write-ahead log: fsync failed, nothing is accepted until a restart"));
    failed_ = true;
    metrics_.writes_failed.Increment();
    logger_.Error("The write-ahead log stops", {{"err", failure_.error()}});
  }
  synced_.NotifyAll();
}

Status Log::SyncFiles(std::span<const std::shared_ptr<SegmentFile>> files) {
  for (const auto& segment : files) {
    const auto begin = clock_.Monotonic();
    if (Status s = segment->file->Sync(); !s) return s;
    const std::chrono::duration<double> took = clock_.Monotonic() - begin;
    metrics_.fsync_seconds.Observe(took.count());
  }
  return {};
}

size_t Log::CountUnsynced() {
  MutexLock lock(sync_mutex_);
  return unsynced_.size();
}

Status Log::Failure() {
  MutexLock lock(sync_mutex_);
  return failure_;
}

}  // namespace barograph::tsdb::wal
