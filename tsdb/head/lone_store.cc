#include "tsdb/head/lone_store.h"

#include <algorithm>
#include <utility>

#include "base/bytes/varint.h"
#include "tsdb/chunk/histogram_hints.h"

namespace barograph::tsdb {
namespace {

constexpr char kPositionType = 'P';
constexpr uint64_t kEveryGeneration = ~uint64_t{0};

bool ParsePosition(std::string_view payload, wal::Position& position) {
  const char* const end = payload.data() + payload.size();
  const char* next = GetVarint(payload.data() + 1, end, position.segment);
  if (next != nullptr) next = GetVarint(next, end, position.offset);
  return next == end;
}

// Takes what is in the range. Its first histogram may go on from one before the range.
void TakeHinted(SampleColumns& piece, TimeRange range, SampleColumns& out) {
  const auto& times = piece.timestamps;
  const auto i = static_cast<size_t>(std::ranges::lower_bound(times, range.min) - times.begin());
  if (0 < i && i < piece.size() && piece.HistogramAt(i) != nullptr) {
    FloatHistogram& first = *piece.histograms[i];
    first.counter_reset_hint = HintAfter(piece.HistogramAt(i - 1), first);
  }
  out.TakeRange(piece, range);
}

}  // namespace

Status LoneStore::Open(FileSystem& files, Logger logger, Options options) {
  logger_ = logger;
  shard_batch_bytes_ = options.batch_bytes / kShards;
  for (Shard& shard : shards_) {
    WriterLock lock(shard.mutex);
    shard.write_at = shard_batch_bytes_;
  }
  files_ = TRY(RunFiles::Open(files,
                              {.directory = std::move(options.directory),
                               .prefix = "lone",
                               .file_bytes = options.file_bytes,
                               .dropped_through = options.dropped_through,
                               .on_damage = std::move(options.on_damage)},
                              std::move(logger),
                              [this](const auto& stored) { RestorePayload(stored); }));
  // What a damaged part held must be taken from the log again.
  MutexLock lock(maintenance_mutex_);
  frozen_file_ = options.dropped_through;
  if (files_->damaged() > 0) position_ = {};
  return {};
}

void LoneStore::RestorePayload(const RunFiles::Stored& stored) {
  const char type = stored.bytes.empty() ? '\0' : stored.bytes[0];
  wal::Position position;
  if (type == LoneChunks::kPayloadType && RestoreRuns(stored)) return;
  if (type == kPositionType && ParsePosition(stored.bytes, position)) {
    MutexLock lock(maintenance_mutex_);
    position_ = position;
    return;
  }
  logger_.Error("A frame in a file of runs is not well-formed and left out",
                {{"file", stored.file}, {"bytes", stored.bytes.size()}});
}

bool LoneStore::RestoreRuns(const RunFiles::Stored& stored) {
  LoneChunks::Restored restored;
  for (size_t offset = 1; offset < stored.bytes.size();) {
    if (!LoneChunks::ParseEntry(stored.bytes, offset, restored)) return false;
    Shard& shard = ShardOf(restored.series);
    WriterLock lock(shard.mutex);
    const LoneRun run = shard.chunks.Restore(stored, restored.run, shard.generation);
    shard.series[static_cast<uint64_t>(restored.series)].Restore(run, restored.newest);
  }
  return true;
}

wal::Position LoneStore::sealed_position() const {
  MutexLock lock(maintenance_mutex_);
  return position_;
}

LoneVerdict LoneStore::Check(SeriesId series, const LonePoint& point) const {
  const Shard& shard = ShardOf(series);
  ReaderLock lock(shard.mutex);
  const auto found = shard.series.find(static_cast<uint64_t>(series));
  if (found == shard.series.end()) return LoneVerdict::kInOrder;
  return found->second.Judge(point, shard.chunks);
}

LoneStore::Appended LoneStore::Append(SeriesId id, const LonePoint& point) {
  return AppendLogged(id, {&point, 1});
}

LoneStore::Appended LoneStore::AppendLogged(SeriesId id, std::span<const LonePoint> points) {
  Shard& shard = ShardOf(id);
  WriterLock lock(shard.mutex);
  const auto [found, is_new] = shard.series.try_emplace(static_cast<uint64_t>(id));
  LoneSeries& series = found->second;
  Appended appended{.first = is_new};
  LoneSeries::LastRun last;
  for (const LonePoint& point : points) {
    const LoneVerdict verdict = series.Judge(point, shard.chunks, last);
    if (verdict != LoneVerdict::kInOrder && verdict != LoneVerdict::kLate) continue;
    appended.sample = true;
    const size_t sealed = series.Append(id, point, verdict, shard.chunks, shard.generation);
    if (sealed == 0) continue;
    last.run = LoneSeries::LastRun::kNone;
    appended.sealed_chunks += sealed;
    WriteWhenFull(shard);
  }
  return appended;
}

// While a generation is frozen nothing of the next one may go to its files.
void LoneStore::WriteWhenFull(Shard& shard) {
  if (files_ == nullptr || freezing_ || shard.chunks.unwritten_bytes() < shard.write_at) return;
  const bool was_failing = shard.write_at > shard_batch_bytes_;
  const Status written = shard.chunks.Write(*files_, kEveryGeneration);
  shard.write_at = shard.chunks.unwritten_bytes() + shard_batch_bytes_;
  if (!written && !was_failing) {
    logger_.Error("Runs of samples cannot be written to files and stay in memory",
                  {{"err", written.error()}});
  }
}

uint64_t LoneStore::Freeze(Timestamp cut) {
  MutexLock lock(maintenance_mutex_);
  const uint64_t frozen = generation_++;
  freezing_ = true;
  frozen_written_ = {};
  for (Shard& shard : shards_) FreezeShard(shard, cut, frozen);
  if (files_ != nullptr) frozen_file_ = files_->Rotate();
  freezing_ = false;
  return frozen;
}

void LoneStore::FreezeShard(Shard& shard, Timestamp cut, uint64_t generation) {
  WriterLock lock(shard.mutex);
  Status done;
  for (auto& [id, series] : shard.series) {
    Status frozen = series.Freeze(SeriesId{id}, cut, shard.chunks, generation);
    if (!frozen) done = frozen;
  }
  shard.generation = generation + 1;
  if (!done) logger_.Error("Samples could not all be set apart", {{"err", done.error()}});
  if (files_ == nullptr) return;
  Status written = shard.chunks.Write(*files_, generation);
  if (!written) frozen_written_ = std::move(written);
}

Result<uint64_t> LoneStore::SettleFrozen() {
  MutexLock lock(maintenance_mutex_);
  TRY(frozen_written_);
  if (files_ != nullptr) TRY(WriteRest());
  return frozen_file_;
}

Status LoneStore::DropThrough(uint64_t generation) {
  MutexLock lock(maintenance_mutex_);
  for (Shard& shard : shards_) {
    WriterLock shard_lock(shard.mutex);
    for (auto entry = shard.series.begin(); entry != shard.series.end();) {
      entry->second.DropThrough(generation, shard.chunks);
      const auto dropped = entry++;
      if (dropped->second.empty()) shard.series.erase(dropped);
    }
    shard.chunks.DropThrough(generation);
  }
  return files_ == nullptr ? Status() : DropFiles();
}

// Removes the files that no chunk is in.
Status LoneStore::DropFiles() {
  uint64_t last = files_->Rotate();
  TRY(WriteRest());
  for (Shard& shard : shards_) {
    ReaderLock lock(shard.mutex);
    if (const auto first = shard.chunks.FirstFile()) last = std::min(last, *first - 1);
  }
  return files_->DropThrough(last);
}

// Before files go: they may have what Freeze has copied to the chunks of the next generation, and
// the position. That must be in other files first.
Status LoneStore::WriteRest() {
  for (Shard& shard : shards_) {
    WriterLock lock(shard.mutex);
    TRY(shard.chunks.Write(*files_, kEveryGeneration));
  }
  return position_.segment == 0 && position_.offset == 0 ? files_->Sync() : WritePosition();
}

Status LoneStore::SealAll(wal::Position position) {
  if (files_ == nullptr) return Fail(ErrorCode::kUnavailable, "the lone samples have no files");
  MutexLock lock(maintenance_mutex_);
  for (Shard& shard : shards_) TRY(SealShard(shard));
  TRY(files_->Sync());
  position_ = position;
  return WritePosition();
}

Status LoneStore::SealShard(Shard& shard) {
  WriterLock lock(shard.mutex);
  for (auto& [id, series] : shard.series) {
    series.SealAll(SeriesId{id}, shard.chunks, shard.generation);
  }
  return shard.chunks.Write(*files_, kEveryGeneration);
}

Status LoneStore::WritePosition() {
  std::string payload(1, kPositionType);
  AppendVarint(payload, position_.segment);
  AppendVarint(payload, position_.offset);
  TRY(files_->Append(payload));
  return files_->Sync();
}

Status LoneStore::Sync() { return files_ == nullptr ? Status() : files_->Sync(); }

TimeRange LoneStore::range() const {
  TimeRange all = {kMaxTimestamp, kMinTimestamp};
  for (const Shard& shard : shards_) {
    ReaderLock lock(shard.mutex);
    for (const auto& [id, series] : shard.series) {
      all.min = std::min(all.min, series.oldest());
      all.max = std::max(all.max, series.newest());
    }
  }
  return all;
}

std::vector<SeriesId> LoneStore::Series() const {
  std::vector<SeriesId> ids;
  for (const Shard& shard : shards_) {
    ReaderLock lock(shard.mutex);
    for (const auto& [id, series] : shard.series) ids.push_back(SeriesId{id});
  }
  std::ranges::sort(ids);
  return ids;
}

Timestamp LoneStore::Oldest(uint64_t min_generation) const {
  Timestamp oldest = kMaxTimestamp;
  for (const Shard& shard : shards_) {
    ReaderLock lock(shard.mutex);
    for (const auto& [id, series] : shard.series) {
      oldest = std::min(oldest, series.Oldest(min_generation, shard.chunks));
    }
  }
  return oldest;
}

bool LoneStore::Overlaps(SeriesId id, TimeRange range, uint64_t min_generation) const {
  const Shard& shard = ShardOf(id);
  ReaderLock lock(shard.mutex);
  const auto found = shard.series.find(static_cast<uint64_t>(id));
  return found != shard.series.end() && found->second.Overlaps(range, min_generation, shard.chunks);
}

void LoneStore::FindOverlapping(std::span<const SeriesId> ids, TimeRange range,
                                uint64_t min_generation, std::vector<char>& overlaps) const {
  overlaps.assign(ids.size(), 0);
  std::array<std::vector<uint32_t>, kShards> by_shard;
  for (uint32_t i = 0; i < ids.size(); ++i) {
    by_shard[static_cast<uint64_t>(ids[i]) % kShards].push_back(i);
  }
  for (size_t i = 0; i < kShards; ++i) {
    if (by_shard[i].empty()) continue;
    FindOverlapping(shards_[i], ids, by_shard[i], range, min_generation, overlaps);
  }
}

// A series is several places in memory, each of which tells where the next one is. All series go
// there side by side: the processor waits for many of them at once, and not for one after the
// other.
void LoneStore::FindOverlapping(const Shard& shard, std::span<const SeriesId> ids,
                                std::span<const uint32_t> indexes, TimeRange range,
                                uint64_t min_generation, std::vector<char>& overlaps) {
  constexpr size_t kSideBySide = 32;
  std::array<const LoneSeries*, kSideBySide> series;
  ReaderLock lock(shard.mutex);
  for (size_t begin = 0; begin < indexes.size(); begin += kSideBySide) {
    const auto some = indexes.subspan(begin, std::min(kSideBySide, indexes.size() - begin));
    for (size_t i = 0; i < some.size(); ++i) {
      const auto found = shard.series.find(static_cast<uint64_t>(ids[some[i]]));
      series[i] = found == shard.series.end() ? nullptr : &found->second;
      if (series[i] != nullptr) series[i]->PrefetchParts();
    }
    for (size_t i = 0; i < some.size(); ++i) {
      if (series[i] != nullptr) series[i]->PrefetchNewestRuns();
    }
    for (size_t i = 0; i < some.size(); ++i) {
      if (series[i] == nullptr || !series[i]->Overlaps(range, min_generation, shard.chunks))
        continue;
      overlaps[some[i]] = 1;
      series[i]->PrefetchSamples(range, shard.chunks);
    }
  }
}

bool LoneStore::Collect(SeriesId id, TimeRange range, uint64_t min_generation,
                        LonePieces& pieces) const {
  pieces.Clear();
  const Shard& shard = ShardOf(id);
  ReaderLock lock(shard.mutex);
  const auto found = shard.series.find(static_cast<uint64_t>(id));
  if (found == shard.series.end()) return false;
  found->second.CollectRuns(range, min_generation, shard.chunks, pieces);
  found->second.CollectRest(range, pieces.rest);
  return true;
}

Status LoneStore::Read(SeriesId id, TimeRange range, uint64_t min_generation,
                       SampleColumns& out) const {
  LonePieces pieces;
  if (!Collect(id, range, min_generation, pieces)) return {};
  return ReadRuns(pieces.runs, range, std::move(pieces.rest), out);
}

Status LoneStore::ReadRuns(const std::vector<LoneRunBytes>& runs, TimeRange range,
                           std::vector<SampleColumns> rest, SampleColumns& out) {
  SampleColumns all, decoded;
  size_t samples = 0;
  for (const LoneRunBytes& run : runs) samples += run.count;
  all.timestamps.reserve(samples);
  all.values.reserve(samples);
  for (const LoneRunBytes& run : runs) {
    if (run.whole) {
      TRY(AppendLoneRun(run, all));
      continue;
    }
    decoded.clear();
    TRY(AppendLoneRun(run, decoded));
    TakeHinted(decoded, range, all);
  }
  for (SampleColumns& piece : rest) TakeHinted(piece, range, all);
  SortByTime(all);
  if (out.empty()) {
    std::swap(out, all);
  } else {
    out.Take(all, 0, all.size());
  }
  return {};
}

size_t LoneStore::memory_bytes() const {
  size_t bytes = 0;
  for (const Shard& shard : shards_) {
    ReaderLock lock(shard.mutex);
    bytes += shard.series.bucket_count() * (sizeof(uint64_t) + sizeof(LoneSeries) + 1);
    bytes += shard.chunks.unwritten_bytes();
    for (const auto& [id, series] : shard.series) bytes += series.allocated_bytes();
  }
  return bytes;
}

}  // namespace barograph::tsdb
