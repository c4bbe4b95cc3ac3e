#include "tsdb/head/run_files.h"

#include <algorithm>

#include "tsdb/wal/format.h"
#include "tsdb/wal/reader.h"

namespace barograph::tsdb {
namespace {

constexpr auto kRunFrame = wal::RecordType{'R'};

}  // namespace

RunFiles::RunFiles(FileSystem& files, Options options, Logger logger)
    : files_(files), options_(std::move(options)), logger_(std::move(logger)) {}

Result<std::unique_ptr<RunFiles>> RunFiles::Open(FileSystem& files, Options options, Logger logger,
                                                 const Visit& visit) {
  TRY(files.CreateDirectories(options.directory));
  std::unique_ptr<RunFiles> opened(new RunFiles(files, std::move(options), std::move(logger)));
  TRY(opened->ReadAll(visit));
  return opened;
}

Status RunFiles::ReadAll(const Visit& visit) {
  std::vector<uint64_t> numbers;
  const std::string begin = options_.prefix + "-";
  for (const DirectoryEntry& entry : TRY(files_.List(options_.directory))) {
    if (!entry.name.starts_with(begin)) continue;
    const auto number = wal::ParseSegmentName(std::string_view(entry.name).substr(begin.size()));
    if (!number) continue;
    if (*number > options_.dropped_through) {
      numbers.push_back(*number);
    } else {
      TRY(files_.Remove(PathOf(*number)));
    }
  }
  std::ranges::sort(numbers);
  for (const uint64_t number : numbers) TRY(ReadFile(number, number == numbers.back(), visit));
  MutexLock lock(mutex_);
  next_number_ = (numbers.empty() ? options_.dropped_through : numbers.back()) + 1;
  return {};
}

Status RunFiles::ReadFile(uint64_t number, bool last, const Visit& visit) {
  using Event = wal::SegmentReader::Event;
  const std::shared_ptr<const FileContents> contents = TRY(files_.Map(PathOf(number)));
  const std::string_view bytes = contents->bytes();
  uint64_t good = bytes.starts_with(kMagic) ? kMagic.size() : 0;
  wal::SegmentReader reader(number, bytes, good);
  wal::Record record{};
  for (Event event; (event = reader.Next(record)) != Event::kEnd;) {
    if (event == Event::kRecord) {
      good = reader.offset();
      visit({contents, record.payload, number});
    } else if (event == Event::kDamage || !last) {
      ReportDamage(number, reader.damage_begin(), reader.offset());
    }
  }
  {
    MutexLock lock(mutex_);
    sizes_[number] = bytes.size();
  }
  return last && good < bytes.size() ? CutTornEnd(number, good) : Status();
}

Status RunFiles::CutTornEnd(uint64_t number, uint64_t size) {
  logger_.Warn("A file of runs was cut off within a frame",
               {{"file", PathOf(number)}, {"offset", size}});
  auto file = TRY(files_.OpenWritable(PathOf(number), OpenMode::kAppend));
  TRY(file->Truncate(size));
  MutexLock lock(mutex_);
  sizes_[number] = size;
  return file->Close();
}

void RunFiles::ReportDamage(uint64_t number, uint64_t begin, uint64_t end) {
  ++damaged_;
  logger_.Error("A part of a file of runs is damaged and left out",
                {{"file", PathOf(number)}, {"offset", begin}, {"bytes", end - begin}});
}

Result<RunFiles::Stored> RunFiles::Append(std::string_view payload) {
  MutexLock lock(mutex_);
  TRY(failure_);
  const size_t frame_bytes = wal::kFrameHeaderBytes + payload.size();
  if (current_ && sizes_[current_->number] + frame_bytes > current_->contents->bytes().size()) {
    End();
  }
  if (!current_) TRY(Begin(frame_bytes));
  const uint64_t at = sizes_[current_->number];
  std::string frame;
  frame.reserve(frame_bytes);
  wal::AppendFrame(frame, {kRunFrame, payload}, {current_->number, at});
  TRY(Write(frame));
  return Stored{current_->contents,
                current_->contents->bytes().substr(at + wal::kFrameHeaderBytes, payload.size()),
                current_->number};
}

Status RunFiles::Write(std::string_view frame) {
  uint64_t& size = sizes_[current_->number];
  Status written = current_->file->Append(frame);
  if (!written) {
    // What is left of it, where it cannot be cut off, is reported as damage by the next Open.
    if (!current_->file->Truncate(size)) End();
    return written;
  }
  size += frame.size();
  if (!std::exchange(current_->dirty, true)) unsynced_.push_back(current_->synced);
  return {};
}

Status RunFiles::Begin(size_t frame_bytes) {
  const uint64_t capacity = std::max(options_.file_bytes, kMagic.size() + frame_bytes);
  auto created = Create(next_number_, capacity);
  if (!created) {
    (void)files_.Remove(PathOf(next_number_));  // the next try empties what is there
    return std::unexpected(std::move(created).error());
  }
  current_ = std::move(*created);
  sizes_[next_number_++] = kMagic.size();
  names_unsynced_ = true;
  return {};
}

Result<RunFiles::Current> RunFiles::Create(uint64_t number, uint64_t capacity) {
  const std::string path = PathOf(number);
  Current created;
  created.number = number;
  created.file = TRY(files_.OpenWritable(path, OpenMode::kCreate));
  TRY(created.file->Append(kMagic));
  created.synced = TRY(files_.OpenWritable(path, OpenMode::kAppend));
  created.contents = TRY(files_.MapAhead(path, capacity));
  return created;
}

void RunFiles::End() {
  if (!current_) return;
  // Whether the bytes arrived is what Sync, on its own handle, is told.
  (void)current_->file->Close();
  current_.reset();
}

Status RunFiles::Sync() {
  MutexLock syncing(sync_mutex_);
  std::vector<std::shared_ptr<WritableFile>> files;
  bool names;
  {
    MutexLock lock(mutex_);
    TRY(failure_);
    files.swap(unsynced_);
    names = std::exchange(names_unsynced_, false);
    if (current_) current_->dirty = false;
  }
  Status synced;
  for (const auto& file : files) {
    if (synced) synced = file->Sync();
  }
  if (synced && names) synced = files_.SyncDirectory(options_.directory);
  if (synced) return {};
  logger_.Error("Files of runs could not be synced; no more is written to them",
                {{"err", synced.error()}});
  MutexLock lock(mutex_);
  failure_ = synced;
  return synced;
}

uint64_t RunFiles::Rotate() {
  MutexLock lock(mutex_);
  End();
  return next_number_ - 1;
}

Status RunFiles::DropThrough(uint64_t file) {
  MutexLock lock(mutex_);
  if (current_ && current_->number <= file) End();
  while (!sizes_.empty() && sizes_.begin()->first <= file) {
    TRY(files_.Remove(PathOf(sizes_.begin()->first)));
    sizes_.erase(sizes_.begin());
    names_unsynced_ = true;
  }
  return {};
}

uint64_t RunFiles::bytes() const {
  MutexLock lock(mutex_);
  uint64_t bytes = 0;
  for (const auto& [number, size] : sizes_) bytes += size;
  return bytes;
}

std::string RunFiles::PathOf(uint64_t number) const {
  return options_.directory + "/" + options_.prefix + "-" + wal::SegmentName(number);
}

}  // namespace barograph::tsdb
