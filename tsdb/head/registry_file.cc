#include "tsdb/head/registry_file.h"

#include <algorithm>
#include <utility>

#include "tsdb/wal/format.h"
#include "tsdb/wal/reader.h"
#include "tsdb/wal/record.h"

namespace barograph::tsdb {
namespace {

constexpr std::string_view kAddedMagic = "BAROSADD";
constexpr size_t kSeriesPerFrame = 1024;

Status ReadAddedFrame(const wal::Record& frame,
                      const std::function<Status(SeriesId, const Labels&)>& visit) {
  if (frame.type != wal::RecordType::kSeries) {
    return Fail(ErrorCode::kCorruption, "a frame of an unknown type");
  }
  for (const wal::SeriesEntry& entry : TRY(wal::ParseSeries(frame.payload))) {
    TRY(visit(entry.id, Labels::FromPacked(std::string(entry.packed_labels))));
  }
  return {};
}

}  // namespace

RegistryFile::RegistryFile(FileSystem& files, std::string directory, Logger logger,
                           SeriesRegistry& registry)
    : files_(files),
      directory_(std::move(directory)),
      path_(directory_ + "/series"),
      added_path_(path_ + "-added"),
      logger_(std::move(logger)),
      registry_(registry) {}

void RegistryFile::Load() {
  MutexLock lock(mutex_);
  LoadSeries();
  saved_ = registry_.size();
  LoadAdded();
  covered_ = registry_.size();
}

void RegistryFile::LoadSeries() {
  if (!files_.Exists(path_)) return;
  const auto load = [this]() -> Status {
    const auto contents = TRY(files_.Map(path_));
    return registry_.Load(contents->bytes());
  };
  const Status loaded = load();
  if (loaded) return;
  logger_.Warn("The file of the head's series is of no use; they are taken from the index",
               {{"file", path_}, {"err", loaded.error()}});
  stale_ = true;
  // Ids that are given from now on may be other series' in there.
  if (Status removed = Remove(path_); !removed) {
    logger_.Error("It could not be removed", {{"err", removed.error()}});
  }
}

void RegistryFile::LoadAdded() {
  if (!files_.Exists(added_path_)) return;
  // Nothing is written behind an end of which it is not known how it came about.
  stale_ = true;
  const auto load = [this]() -> Status {
    const auto contents = TRY(files_.Map(added_path_));
    return ReadAddedSeries(contents->bytes(), [this](SeriesId id, const Labels& labels) {
      return registry_.Restore(id, labels);
    });
  };
  if (Status loaded = load(); !loaded) {
    logger_.Warn("The file of series that were added to the head is damaged in parts",
                 {{"file", added_path_}, {"err", loaded.error()}});
  }
}

Status RegistryFile::Save() {
  MutexLock lock(mutex_);
  return stale_ || registry_.size() != saved_ ? Write() : Status();
}

Status RegistryFile::SaveWhenMuchIsNew() {
  MutexLock lock(mutex_);
  return stale_ || MuchIsNew(registry_.size()) ? Write() : Status();
}

bool RegistryFile::MuchIsNew(size_t size) const {
  return size > saved_ && (size - saved_) * kShare >= size;
}

Status RegistryFile::Cover() {
  MutexLock lock(mutex_);
  if (stale_ || MuchIsNew(registry_.size())) return Write();
  return Add();
}

void RegistryFile::NoteRemovals() {
  MutexLock lock(mutex_);
  stale_ = true;
}

Status RegistryFile::ForgetRemoved() {
  MutexLock lock(mutex_);
  return stale_ ? Write() : Status();
}

Status RegistryFile::Remove(const std::string& path) {
  if (!files_.Exists(path)) return {};
  TRY(files_.Remove(path));
  return files_.SyncDirectory(directory_);
}

// A file that was not finished has another name, and is written over by the next.
Status RegistryFile::Write() {
  const size_t size = registry_.size();  // those that come meanwhile may be in it or not
  const std::string fresh = path_ + ".tmp";
  auto file = TRY(files_.OpenWritable(fresh, OpenMode::kCreate));
  if (Status written = WriteTo(*file); !written) {
    (void)file->Close();
    (void)files_.Remove(fresh);
    return written;
  }
  TRY(files_.Rename(fresh, path_));
  stale_ = true;  // until the names are as they should be
  TRY(files_.SyncDirectory(directory_));
  added_.reset();
  TRY(Remove(added_path_));
  saved_ = covered_ = size;
  stale_ = false;
  return {};
}

Status RegistryFile::WriteTo(WritableFile& file) {
  TRY(registry_.Dump([&](std::string_view piece) { return file.Append(piece); }));
  TRY(file.Sync());
  return file.Close();
}

// Appends the series that neither file has.
Status RegistryFile::Add() {
  const size_t size = registry_.size();
  if (covered_ == size) return {};
  // What a failure leaves behind is not built upon.
  stale_ = true;
  if (added_ == nullptr) TRY(BeginAdded());
  while (covered_ < size) {
    std::string payload, frame;
    const size_t end = std::min(size, covered_ + kSeriesPerFrame);
    registry_.VisitRange(covered_, end, [&](SeriesId id, const Labels& labels) {
      wal::AppendSeriesEntry(payload, id, labels.packed());
    });
    wal::AppendFrame(frame, {wal::RecordType::kSeries, payload}, {0, added_bytes_});
    TRY(added_->Append(frame));
    added_bytes_ += frame.size();
    covered_ = end;
  }
  TRY(added_->Sync());
  stale_ = false;
  return {};
}

Status RegistryFile::BeginAdded() {
  added_ = TRY(files_.OpenWritable(added_path_, OpenMode::kCreate));
  TRY(added_->Append(kAddedMagic));
  added_bytes_ = kAddedMagic.size();
  return files_.SyncDirectory(directory_);
}

Status ReadAddedSeries(std::string_view bytes,
                       const std::function<Status(SeriesId, const Labels&)>& visit) {
  using Event = wal::SegmentReader::Event;
  if (!bytes.starts_with(kAddedMagic)) return Fail(ErrorCode::kCorruption, "not such a file");
  wal::SegmentReader frames(0, bytes, kAddedMagic.size());
  wal::Record frame{};
  Status done;
  for (Event event; (event = frames.Next(frame)) != Event::kEnd;) {
    if (event == Event::kTornEnd) break;  // the log has what was not synced
    Status read = Fail(ErrorCode::kCorruption, "damaged before " + std::to_string(frames.offset()));
    if (event == Event::kRecord) read = ReadAddedFrame(frame, visit);
    if (done) done = std::move(read);
  }
  return done;
}

}  // namespace barograph::tsdb
