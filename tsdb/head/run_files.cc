#include "tsdb/head/run_files.h"

#include <algorithm>

#include "base/bytes/varint.h"
#include "tsdb/wal/reader.h"

namespace barograph::tsdb {
namespace {

constexpr auto kRunFrame = wal::RecordType{'R'};
constexpr auto kSyncedFrame = wal::RecordType{'S'};

std::string EncodeSynced(wal::Position end) {
  std::string payload;
  AppendVarint(payload, end.segment);
  AppendVarint(payload, end.offset);
  return payload;
}

std::optional<wal::Position> DecodeSynced(std::string_view payload) {
  wal::Position position;
  const char* const end = payload.data() + payload.size();
  const char* next = GetVarint(payload.data(), end, position.segment);
  if (next != nullptr) next = GetVarint(next, end, position.offset);
  return next == end ? std::optional(position) : std::nullopt;
}

void ReportDamagedPart(const Logger& logger, const std::string& path, uint64_t offset,
                       uint64_t bytes) {
  logger.Error("A part of a file of runs is damaged and left out",
               {{"file", path}, {"offset", offset}, {"bytes", bytes}});
}

// The newest mark that can be reached by the frames' headers alone.
std::optional<wal::Position> LastMark(uint64_t number, std::string_view bytes) {
  std::optional<wal::Position> last;
  for (uint64_t at = RunFiles::kMagic.size(); at < bytes.size();) {
    const auto frame = wal::ReadFrameUnchecked(bytes.substr(at), {number, at});
    if (!frame) break;
    if (frame->type == kSyncedFrame && wal::ReadFrame(bytes.substr(at), {number, at})) {
      if (const auto mark = DecodeSynced(frame->payload)) last = mark;
    }
    at += wal::kFrameHeaderBytes + frame->payload.size();
  }
  return last;
}

}  // namespace

bool LateCheck::HasChecksum() const {
  const std::string_view frame = file_->contents->bytes().substr(offset_, length_);
  return wal::ReadFrame(frame, {file_->number, offset_}).has_value();
}

void LateCheck::TellDamage() const {
  if (file_->on_damage) file_->on_damage();
  file_->logger.Error(
      "Samples of the head are damaged: queries that need them fail, and the next block of their "
      "time will lack them",
      {{"file", file_->path}, {"offset", offset_}, {"bytes", length_}});
}

Error LateCheck::Damage() const {
  return {ErrorCode::kCorruption, file_->path + " at " + std::to_string(offset_) +
                                      ": a run of samples is not what was written"};
}

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
  for (size_t i = 1; i < numbers.size(); ++i) {
    for (uint64_t missing = numbers[i - 1] + 1; missing < numbers[i]; ++missing) {
      ReportMissing(missing);
    }
  }
  const wal::Position synced = TRY(FindSynced(numbers));
  for (const uint64_t number : numbers) {
    TRY(ReadFile(number, number == numbers.back(), synced, visit));
  }
  MutexLock lock(mutex_);
  next_number_ = (numbers.empty() ? options_.dropped_through : numbers.back()) + 1;
  return {};
}

// Before which place all is known to have been synced; file 0 where that is not known.
Result<wal::Position> RunFiles::FindSynced(const std::vector<uint64_t>& numbers) {
  if (!options_.check_late) return wal::Position();
  for (size_t i = numbers.size(); i-- > 0;) {
    const auto contents = TRY(files_.Map(PathOf(numbers[i])));
    if (const auto mark = LastMark(numbers[i], contents->bytes())) return *mark;
  }
  return wal::Position();
}

Status RunFiles::ReadFile(uint64_t number, bool last, wal::Position synced, const Visit& visit) {
  using Event = wal::SegmentReader::Event;
  const std::shared_ptr<const FileContents> contents = TRY(files_.Map(PathOf(number)));
  const std::string_view bytes = contents->bytes();
  uint64_t good = bytes.starts_with(kMagic) ? kMagic.size() : 0;
  uint64_t checked_from = number < synced.segment ? bytes.size() : 0;
  if (number == synced.segment) checked_from = synced.offset;
  wal::SegmentReader reader(number, bytes, good, checked_from);
  const auto file = std::make_shared<LateCheck::File>(contents, PathOf(number), number, logger_,
                                                      options_.on_damage);
  bool unsynced = false;
  wal::Record record{};
  for (Event event; (event = reader.Next(record)) != Event::kEnd;) {
    if (event == Event::kRecord) {
      good = reader.offset();
      if (!HasPayload(record)) continue;
      const uint64_t begin = good - record.payload.size() - wal::kFrameHeaderBytes;
      unsynced = unsynced || begin >= checked_from;
      Stored stored{contents, record.payload, number, begin};
      if (begin < checked_from) {
        stored.check = std::make_shared<LateCheck>(file, begin, good - begin);
      }
      visit(stored);
    } else if (event == Event::kDamage || !last) {
      ReportDamage(number, reader.damage_begin(), reader.offset());
    }
  }
  {
    MutexLock lock(mutex_);
    kept_[number] = {bytes.size(), contents};
  }
  // As it can be where the power failed before anything of it was synced, or where a disk lost it.
  if (!last && bytes.empty()) logger_.Warn("A file of runs is empty", {{"file", PathOf(number)}});
  contents->Release();
  if (last && good < bytes.size()) TRY(CutTornEnd(number, good));
  return unsynced ? SyncLater(number) : Status();
}

// What a process that was killed has written may not be on the device yet.
Status RunFiles::SyncLater(uint64_t number) {
  std::shared_ptr<WritableFile> file = TRY(files_.OpenWritable(PathOf(number), OpenMode::kAppend));
  MutexLock lock(mutex_);
  unsynced_.push_back(std::move(file));
  names_unsynced_ = true;
  return {};
}

bool RunFiles::HasPayload(const wal::Record& record) { return record.type != kSyncedFrame; }

Status RunFiles::CutTornEnd(uint64_t number, uint64_t size) {
  logger_.Warn("A file of runs was cut off within a frame",
               {{"file", PathOf(number)}, {"offset", size}});
  auto file = TRY(files_.OpenWritable(PathOf(number), OpenMode::kAppend));
  TRY(file->Truncate(size));
  MutexLock lock(mutex_);
  kept_[number].bytes = size;
  return file->Close();
}

void RunFiles::ReportDamage(uint64_t number, uint64_t begin, uint64_t end) {
  ++damaged_;
  if (options_.on_damage) options_.on_damage();
  ReportDamagedPart(logger_, PathOf(number), begin, end - begin);
}

void RunFiles::ReportMissing(uint64_t number) {
  ++damaged_;
  if (options_.on_damage) options_.on_damage();
  logger_.Error("A file of runs is missing", {{"file", PathOf(number)}});
}

Result<RunFiles::Stored> RunFiles::Append(std::string_view payload) {
  MutexLock lock(mutex_);
  TRY(failure_);
  const size_t frame_bytes = wal::kFrameHeaderBytes + payload.size();
  if (current_ &&
      kept_[current_->number].bytes + frame_bytes > current_->contents->bytes().size()) {
    End();
  }
  if (!current_) TRY(Begin(frame_bytes));
  const uint64_t at = kept_[current_->number].bytes;
  std::string frame;
  frame.reserve(frame_bytes);
  wal::AppendFrame(frame, {kRunFrame, payload}, {current_->number, at});
  TRY(Write(frame));
  if (!std::exchange(current_->dirty, true)) unsynced_.push_back(current_->synced);
  return Stored{current_->contents,
                current_->contents->bytes().substr(at + wal::kFrameHeaderBytes, payload.size()),
                current_->number, at};
}

Status RunFiles::Write(std::string_view frame) {
  uint64_t& size = kept_[current_->number].bytes;
  Status written = current_->file->Append(frame);
  if (!written) {
    // What is left of it, where it cannot be cut off, is reported as damage by the next Open.
    if (!current_->file->Truncate(size)) End();
    return written;
  }
  size += frame.size();
  return {};
}

// Or the power's end could leave a table's last run and not those before it, whose rows a replay
// would then leave out.
Status RunFiles::SyncOlder() {
  if (!options_.check_late) return {};
  Status synced;
  for (const auto* const files : {&syncing_, &unsynced_}) {
    for (const auto& file : *files) {
      if (synced) synced = file->Sync();
    }
  }
  unsynced_.clear();
  if (synced && std::exchange(names_unsynced_, false)) {
    synced = files_.SyncDirectory(options_.directory);
  }
  if (!synced) StopWriting(synced);
  return synced;
}

void RunFiles::StopWriting(const Status& synced) {
  logger_.Error("Files of runs could not be synced; no more is written to them",
                {{"err", synced.error()}});
  failure_ = synced;
}

Status RunFiles::Begin(size_t frame_bytes) {
  TRY(SyncOlder());
  const uint64_t capacity = std::max(options_.file_bytes, kMagic.size() + frame_bytes);
  auto created = Create(next_number_, capacity);
  if (!created) {
    (void)files_.Remove(PathOf(next_number_));  // the next try empties what is there
    return std::unexpected(std::move(created).error());
  }
  current_ = std::move(*created);
  kept_[next_number_++] = {kMagic.size(), current_->contents};
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
  wal::Position end;
  {
    MutexLock lock(mutex_);
    TRY(failure_);
    files.swap(unsynced_);
    syncing_ = files;
    names = std::exchange(names_unsynced_, false);
    if (current_) current_->dirty = false;
    end = current_ ? wal::Position{current_->number, kept_[current_->number].bytes}
                   : wal::Position{next_number_, 0};
  }
  Status synced;
  for (const auto& file : files) {
    if (synced) synced = file->Sync();
  }
  if (synced && names) synced = files_.SyncDirectory(options_.directory);
  MutexLock lock(mutex_);
  syncing_.clear();
  if (!synced) {
    StopWriting(synced);
  } else if (options_.check_late && !files.empty()) {
    MarkSynced(end);
  }
  return synced;
}

// Where the mark has no place, or is lost, the next Open has more to check.
void RunFiles::MarkSynced(wal::Position end) {
  if (!current_) return;
  const uint64_t at = kept_[current_->number].bytes;
  std::string frame;
  wal::AppendFrame(frame, {kSyncedFrame, EncodeSynced(end)}, {current_->number, at});
  if (at + frame.size() <= current_->contents->bytes().size()) (void)Write(frame);
}

uint64_t RunFiles::Rotate() {
  MutexLock lock(mutex_);
  End();
  return next_number_ - 1;
}

Status RunFiles::DropThrough(uint64_t file) {
  MutexLock lock(mutex_);
  if (current_ && current_->number <= file) End();
  while (!kept_.empty() && kept_.begin()->first <= file) {
    TRY(files_.Remove(PathOf(kept_.begin()->first)));
    kept_.erase(kept_.begin());
    names_unsynced_ = true;
  }
  return {};
}

uint64_t RunFiles::bytes() const {
  MutexLock lock(mutex_);
  uint64_t bytes = 0;
  for (const auto& [number, file] : kept_) bytes += file.bytes;
  return bytes;
}

void RunFiles::Release() const {
  std::vector<std::shared_ptr<const FileContents>> mapped;
  {
    MutexLock lock(mutex_);
    for (const auto& [number, file] : kept_) {
      if (auto contents = file.contents.lock()) mapped.push_back(std::move(contents));
    }
  }
  for (const auto& contents : mapped) contents->Release();
}

std::string RunFiles::PathOf(uint64_t number) const {
  return options_.directory + "/" + options_.prefix + "-" + wal::SegmentName(number);
}

}  // namespace barograph::tsdb
