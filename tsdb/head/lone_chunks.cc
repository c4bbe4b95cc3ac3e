#include "tsdb/head/lone_chunks.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "base/bytes/varint.h"
#include "tsdb/chunk/timestamp_codec.h"

namespace barograph::tsdb {
namespace {

// A chunk is closed when it has this size, so that offsets stay small where the disk is full.
constexpr size_t kMaxChunkBytes = size_t{16} << 20;

bool TakeVarint(std::string_view bytes, size_t& offset, uint64_t& value) {
  const char* const end = bytes.data() + bytes.size();
  const char* const next = GetVarint(bytes.data() + offset, end, value);
  if (next == nullptr) return false;
  offset = static_cast<size_t>(next - bytes.data());
  return true;
}

uint32_t ShortDuration(uint64_t duration_ms) {
  return static_cast<uint32_t>(std::min<uint64_t>(duration_ms, LoneRun::kEndless));
}

bool IsTime(int64_t ms) { return kMinTimestamp <= FromMs(ms) && FromMs(ms) <= kMaxTimestamp; }

std::unexpected<Error> Malformed() {
  return Fail(ErrorCode::kCorruption, "a run of the head is not well-formed");
}

Status AppendHistogramRun(std::string_view bytes, size_t before, SampleColumns& out) {
  std::vector<FloatHistogram> histograms(out.size() - before);
  TRY(DecodeHistograms(bytes, histograms));
  out.histograms.resize(before);
  for (FloatHistogram& histogram : histograms) {
    out.histograms.push_back(std::make_unique<FloatHistogram>(std::move(histogram)));
  }
  return {};
}

}  // namespace

bool SplitLoneRun(const LoneRunBytes& run, LoneRunStreams& streams) {
  const std::string_view bytes = run.bytes;
  size_t offset = 0;
  uint64_t time_bytes;
  if (!TakeVarint(bytes, offset, time_bytes) || time_bytes > bytes.size() - offset) return false;
  streams = {bytes.substr(offset, time_bytes), bytes.substr(offset + time_bytes)};
  return true;
}

Status AppendLoneRun(const LoneRunBytes& run, SampleColumns& out) {
  LoneRunStreams streams;
  if (!SplitLoneRun(run, streams)) return Malformed();
  const size_t before = out.size();
  out.timestamps.resize(before + run.count);
  out.values.resize(before + run.count);
  const auto timestamps = std::span(out.timestamps).subspan(before);
  TRY(DecodeTimestamps(streams.timestamps, timestamps));
  if (!Ascend(timestamps)) return Malformed();
  if (run.histograms) return AppendHistogramRun(streams.samples, before, out);
  if (!out.histograms.empty()) out.histograms.resize(out.size());
  return DecodeValues(streams.samples, std::span(out.values).subspan(before));
}

LoneRun LoneChunks::Add(SeriesId series, const SampleColumns& samples, size_t begin, size_t end,
                        uint64_t generation) {
  LoneRun run{.min_ms = ToMs(samples.timestamps[begin]),
              .count = static_cast<uint16_t>(end - begin),
              .histograms = samples.HistogramAt(begin) != nullptr};
  std::string times, body;
  EncodeTimestamps(std::span(samples.timestamps).subspan(begin, end - begin), times);
  AppendVarint(body, times.size());
  body += times;
  if (run.histograms) {
    std::vector<const FloatHistogram*> histograms;
    for (size_t i = begin; i < end; ++i) histograms.push_back(samples.HistogramAt(i));
    histograms_.Encode(histograms, body);
  } else {
    values_.Encode(std::span(samples.values).subspan(begin, end - begin), body);
  }
  const auto duration = static_cast<uint64_t>(ToMs(samples.timestamps[end - 1]) - run.min_ms);
  return AddEntry(series, run, duration, body, generation);
}

LoneRun LoneChunks::AddEntry(SeriesId series, LoneRun run, uint64_t duration_ms,
                             std::string_view body, uint64_t generation) {
  run.chunk = OpenChunk(generation);
  run.duration_ms = ShortDuration(duration_ms);
  std::string& out = chunks_[run.chunk - first_].memory;
  const size_t before = out.size();
  AppendVarint(out, static_cast<uint64_t>(series));
  AppendVarint(out, ZigZag(run.min_ms));
  AppendVarint(out, duration_ms);
  AppendVarint(out, uint64_t{run.count} << 1 | (run.histograms ? 1 : 0));
  run.offset = static_cast<uint32_t>(out.size());
  AppendVarint(out, body.size());
  out += body;
  unwritten_bytes_ += out.size() - before;
  return run;
}

LoneRun LoneChunks::Copy(SeriesId series, const LoneRun& run, uint64_t generation) {
  const std::string body(BodyAt(At(run.chunk), run.offset));
  const auto duration = ToMs(run.range().max) - run.min_ms;
  return AddEntry(series, run, static_cast<uint64_t>(duration), body, generation);
}

std::string_view LoneChunks::BodyAt(const Chunk& chunk, uint32_t offset) {
  const std::string_view bytes = chunk.all();
  size_t at = offset;
  uint64_t size = 0;
  if (!TakeVarint(bytes, at, size)) return {};
  return bytes.substr(at, size);
}

LoneRunBytes LoneChunks::ReadRun(const LoneRun& run) const {
  return {
      .bytes = BodyAt(At(run.chunk), run.offset), .count = run.count, .histograms = run.histograms};
}

LoneRunBytes LoneChunks::ReadRun(const LoneRun& run, LoneRunOwners& owners) const {
  LoneRunBytes read = ReadRun(run);
  const Chunk& chunk = At(run.chunk);
  if (chunk.owner == nullptr) {
    read.bytes = owners.Copy(read.bytes);
  } else {
    owners.Keep(chunk.owner);
  }
  return read;
}

void LoneChunks::Prefetch(const LoneRun& run) const {
  constexpr size_t kLine = 64;
  constexpr size_t kLines = 4;  // most runs have no more
  const std::string_view rest = At(run.chunk).all().substr(run.offset);
  for (size_t at = 0; at < std::min(rest.size(), kLines * kLine); at += kLine) {
    __builtin_prefetch(rest.data() + at);
  }
}

// The chunk in memory that the generation's next run goes to.
uint32_t LoneChunks::OpenChunk(uint64_t generation) {
  for (size_t i = chunks_.size(); i-- > 0 && chunks_[i].file == 0;) {
    if (chunks_[i].dropped()) continue;
    if (chunks_[i].generation == generation && chunks_[i].memory.size() < kMaxChunkBytes) {
      return first_ + static_cast<uint32_t>(i);
    }
  }
  Chunk& chunk = chunks_.emplace_back();
  chunk.generation = generation;
  chunk.memory = kPayloadType;
  return first_ + static_cast<uint32_t>(chunks_.size() - 1);
}

Status LoneChunks::Write(RunFiles& files, uint64_t through_generation) {
  if (unwritten_bytes_ == 0) return {};
  for (Chunk& chunk : chunks_) {
    if (chunk.file != 0 || chunk.dropped() || chunk.generation > through_generation) continue;
    RunFiles::Stored stored = TRY(files.Append(chunk.memory));
    unwritten_bytes_ -= chunk.memory.size() - 1;
    chunk.owner = std::move(stored.owner);
    chunk.bytes = stored.bytes;
    chunk.file = stored.file;
    chunk.memory = std::string();
  }
  return {};
}

void LoneChunks::DropThrough(uint64_t generation) {
  for (Chunk& chunk : chunks_) {
    if (chunk.dropped() || chunk.generation > generation) continue;
    if (chunk.file == 0) unwritten_bytes_ -= chunk.memory.size() - 1;
    chunk = {.generation = generation, .owner = nullptr, .bytes = {}, .memory = {}};
  }
  while (!chunks_.empty() && chunks_.front().dropped()) {
    chunks_.pop_front();
    ++first_;
  }
}

std::optional<uint64_t> LoneChunks::FirstFile() const {
  std::optional<uint64_t> first;
  for (const Chunk& chunk : chunks_) {
    if (chunk.file != 0 && (!first || chunk.file < *first)) first = chunk.file;
  }
  return first;
}

bool LoneChunks::ParseEntry(std::string_view payload, size_t& offset, Restored& restored) {
  uint64_t series, min, duration, count, size;
  if (!TakeVarint(payload, offset, series) || !TakeVarint(payload, offset, min) ||
      !TakeVarint(payload, offset, duration) || !TakeVarint(payload, offset, count)) {
    return false;
  }
  const size_t body = offset;
  const int64_t newest = static_cast<int64_t>(static_cast<uint64_t>(UnZigZag(min)) + duration);
  if (!TakeVarint(payload, offset, size) || size > payload.size() - offset || series == 0 ||
      count < 2 || count >> 1 > kRunSamples || !IsTime(UnZigZag(min)) || !IsTime(newest) ||
      newest < UnZigZag(min)) {
    return false;
  }
  offset += size;
  restored.series = SeriesId{series};
  restored.newest = FromMs(newest);
  restored.run = {.min_ms = UnZigZag(min),
                  .duration_ms = ShortDuration(duration),
                  .offset = static_cast<uint32_t>(body),
                  .count = static_cast<uint16_t>(count >> 1),
                  .histograms = (count & 1) != 0};
  return true;
}

LoneRun LoneChunks::Restore(const RunFiles::Stored& stored, LoneRun run, uint64_t generation) {
  if (chunks_.empty() || chunks_.back().bytes.data() != stored.bytes.data()) {
    chunks_.push_back({.generation = generation,
                       .file = stored.file,
                       .owner = stored.owner,
                       .bytes = stored.bytes,
                       .memory = {}});
  }
  run.chunk = first_ + static_cast<uint32_t>(chunks_.size() - 1);
  return run;
}

}  // namespace barograph::tsdb
