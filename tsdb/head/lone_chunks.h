#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/model/sample.h"
#include "base/result.h"
#include "base/time.h"
#include "tsdb/chunk/histogram_codec.h"
#include "tsdb/chunk/value_codec.h"
#include "tsdb/head/run_files.h"
#include "tsdb/head/sample_columns.h"

namespace barograph::tsdb {

/// Where a run of a lone series is. Kept small: a series has one for every 120 samples.
struct LoneRun {
  int64_t min_ms = 0;
  uint32_t duration_ms = 0;  ///< kEndless: the end is not known
  uint32_t chunk = 0;        ///< its number in the shard's LoneChunks
  uint32_t offset = 0;       ///< in the chunk
  uint16_t count = 0;
  bool histograms = false;

  static constexpr uint32_t kEndless = ~uint32_t{0};
  TimeRange range() const {
    return {FromMs(min_ms),
            duration_ms == kEndless ? kMaxTimestamp : FromMs(min_ms + int64_t{duration_ms})};
  }
  /// As range().Overlaps, but quick to say no to all that is older.
  bool Overlaps(TimeRange other) const {
    return (min_ms + int64_t{duration_ms} >= ToMs(other.min) || duration_ms == kEndless) &&
           min_ms <= ToMs(other.max);
  }
};

/// A run's bytes, which live where LoneChunks says.
struct LoneRunBytes {
  std::string_view bytes;
  uint16_t count = 0;
  bool histograms = false;
  bool whole = false;  ///< all of it is wanted
};

/// What keeps the bytes of runs alive: the files that they are in, and copies of what is in none.
class LoneRunOwners {
 public:
  /// Nothing that was kept so far is needed any more.
  void Clear() {
    if (!copies_.empty()) copies_.clear();
    if (files_.size() > kMostFiles) files_.clear();
  }

  void Keep(const std::shared_ptr<const FileContents>& file) {
    // Runs that are read together are mostly in one file: it is held once.
    if (files_.empty() || files_.back() != file) files_.push_back(file);
  }
  std::string_view Copy(std::string_view bytes) { return copies_.emplace_back(bytes); }

 private:
  static constexpr size_t kMostFiles = 64;

  std::vector<std::shared_ptr<const FileContents>> files_;
  std::deque<std::string> copies_;
};

/// The two streams of a run. False where its bytes are malformed.
struct LoneRunStreams {
  std::string_view timestamps;
  std::string_view samples;
};
bool SplitLoneRun(const LoneRunBytes& run, LoneRunStreams& streams);

/// Appends the run's samples, in whatever time they are. Corruption where it is none; `out` is
/// unspecified then.
Status AppendLoneRun(const LoneRunBytes& run, SampleColumns& out);

/// The runs of one shard's series, in chunks: a chunk grows in memory until it is written to a file
/// as one frame, and is read from there from then on. Each chunk belongs to one generation. Format:
/// docs/formats/head.md. Not thread-safe.
class LoneChunks {
 public:
  /// A run as a frame has it.
  struct Restored {
    SeriesId series;
    LoneRun run;
    Timestamp newest;
  };

  static constexpr size_t kRunSamples = 120;
  static constexpr size_t kRunHistograms = 16;

  /// Writes a run of `samples` [begin, end), which are all of one kind, into the generation's
  /// chunk.
  LoneRun Add(SeriesId series, const SampleColumns& samples, size_t begin, size_t end,
              uint64_t generation);

  /// Writes the run once more, into another generation.
  LoneRun Copy(SeriesId series, const LoneRun& run, uint64_t generation);

  /// The bytes live until the chunks change.
  LoneRunBytes ReadRun(const LoneRun& run) const;
  /// The same for as long as `owners` keeps them, on any thread.
  LoneRunBytes ReadRun(const LoneRun& run, LoneRunOwners& owners) const;
  /// Has the memory of a run fetched that is about to be read.
  void Prefetch(const LoneRun& run) const;
  uint64_t GenerationOf(const LoneRun& run) const { return At(run.chunk).generation; }

  /// The bytes that are in memory only.
  size_t unwritten_bytes() const { return unwritten_bytes_; }

  /// Moves all of generations up to this one to files. On an error the rest stays in memory, for
  /// the next call.
  Status Write(RunFiles& files, uint64_t through_generation);

  /// Forgets the chunks of generations up to this one; no run of theirs may be asked for any more.
  void DropThrough(uint64_t generation);

  /// The lowest number of a file that is in use, if any.
  std::optional<uint64_t> FirstFile() const;

  /// Takes one entry of a frame's payload from `rest`, whose begin is the payload's. False where
  /// there is none; `restored` may be of any shard.
  static bool ParseEntry(std::string_view payload, size_t& offset, Restored& restored);

  /// Adds a run that was read from a file; its chunk is that payload.
  LoneRun Restore(const RunFiles::Stored& stored, LoneRun run, uint64_t generation);

  static constexpr char kPayloadType = 'R';  ///< the first byte of a frame of runs

 private:
  struct Chunk {
    uint64_t generation = 0;
    uint64_t file = 0;  ///< 0 while it is in memory
    std::shared_ptr<const FileContents> owner;
    std::string_view bytes;  ///< in the file
    std::string memory;

    bool dropped() const { return file == 0 && memory.empty(); }
    std::string_view all() const { return file == 0 ? std::string_view(memory) : bytes; }
  };

  const Chunk& At(uint32_t number) const { return chunks_[number - first_]; }
  uint32_t OpenChunk(uint64_t generation);
  LoneRun AddEntry(SeriesId series, LoneRun run, uint64_t duration_ms, std::string_view body,
                   uint64_t generation);
  static std::string_view BodyAt(const Chunk& chunk, uint32_t offset);

  uint32_t first_ = 0;  // the number of chunks_[0]
  std::deque<Chunk> chunks_;
  size_t unwritten_bytes_ = 0;
  ValueEncoder values_;
  HistogramEncoder histograms_;
};

}  // namespace barograph::tsdb
