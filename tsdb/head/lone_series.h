#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/model/histogram.h"
#include "base/model/sample.h"
#include "base/time.h"
#include "tsdb/head/lone_chunks.h"
#include "tsdb/head/lone_tail.h"
#include "tsdb/head/sample_columns.h"

namespace barograph::tsdb {

/// A sample on its way into the lone store: a float, or where `histogram` is not null that one,
/// whose hint is kGauge or kUnknown.
struct LonePoint {
  Timestamp timestamp;
  double value = 0;
  const FloatHistogram* histogram = nullptr;
};

/// What the lone store says to a sample.
enum class LoneVerdict : uint8_t {
  kInOrder,    ///< newer than all that the series has
  kLate,       ///< older than the series' newest, and new
  kRepeated,   ///< the series has it already, to the bit
  kDuplicate,  ///< the series has another one at that time
};

/// What a lone series has in a range of time: all samples in it, and maybe others.
struct LonePieces {
  std::vector<LoneRunBytes> runs;
  LoneRunOwners owners;             ///< of the runs
  std::vector<SampleColumns> rest;  ///< each in time order

  void Clear() {
    runs.clear();
    owners.Clear();
    rest.clear();
  }
};

/// One series of the lone store. Its newest samples are in a tail, older ones that came late in a
/// sorted part of their own, and the rest in runs, which may overlap. No two samples have the same
/// time. Not thread-safe: the shard's lock guards it and its chunks.
class LoneSeries {
 public:
  /// The run that Judge decoded last: samples next to each other are judged by one decoding. Of one
  /// series, and only until that seals runs.
  struct LastRun {
    static constexpr size_t kNone = ~size_t{0};
    size_t run = kNone;
    SampleColumns samples;
  };

  LoneVerdict Judge(const LonePoint& point, const LoneChunks& chunks, LastRun& last) const;
  LoneVerdict Judge(const LonePoint& point, const LoneChunks& chunks) const {
    LastRun last;
    return Judge(point, chunks, last);
  }

  /// Takes a sample that Judge found to be kInOrder or kLate, as told. Returns how many runs were
  /// sealed for it.
  size_t Append(SeriesId id, const LonePoint& point, LoneVerdict verdict, LoneChunks& chunks,
                uint64_t generation);

  /// Makes runs of everything.
  size_t SealAll(SeriesId id, LoneChunks& chunks, uint64_t generation);

  /// Moves what is older than `cut` into runs of `generation`, to which all that is not older may
  /// belong so far, and leaves the rest in the next.
  Status Freeze(SeriesId id, Timestamp cut, LoneChunks& chunks, uint64_t generation);

  /// Forgets the runs of generations up to this one.
  void DropThrough(uint64_t generation, const LoneChunks& chunks);

  void Restore(const LoneRun& run, Timestamp newest);

  bool empty() const;
  Timestamp oldest() const;
  Timestamp newest() const { return newest_; }
  bool Overlaps(TimeRange range, uint64_t min_generation, const LoneChunks& chunks) const;
  /// The time of the oldest sample of this generation and later; kMaxTimestamp where none is.
  Timestamp Oldest(uint64_t min_generation, const LoneChunks& chunks) const;

  /// Appends the runs that overlap `range`, of this generation and later.
  void CollectRuns(TimeRange range, uint64_t min_generation, const LoneChunks& chunks,
                   LonePieces& out) const;

  /// Appends what is in no run: pieces with all samples in the range, and maybe others.
  void CollectRest(TimeRange range, std::vector<SampleColumns>& out) const;

  // Have the memory fetched that Overlaps looks at, each what the one before needs to know where
  // that is; then what is read first of the newest run in the range.
  void PrefetchParts() const;
  void PrefetchNewestRuns() const;
  void PrefetchSamples(TimeRange range, const LoneChunks& chunks) const;

  size_t allocated_bytes() const;

 private:
  /// What a series that has only got a few floats in order does without.
  struct Parts {
    void AddRun(const LoneRun& run);
    /// All that overlap `range`, and maybe others.
    std::span<const LoneRun> RunsNear(TimeRange range) const;

    std::vector<LoneRun> runs;
    bool ordered = true;       // whether each run is later than the one before
    SampleColumns late;        // sorted
    SampleColumns histograms;  // the tail where the newest is a histogram
  };

  Parts& parts();
  void AppendInOrder(const LonePoint& point);
  void InsertLate(const LonePoint& point);
  size_t SealTail(SeriesId id, LoneChunks& chunks, uint64_t generation);
  size_t SealColumns(SeriesId id, SampleColumns& samples, LoneChunks& chunks, uint64_t generation);
  size_t AddRuns(SeriesId id, const SampleColumns& samples, LoneChunks& chunks,
                 uint64_t generation);
  Status FreezeRuns(SeriesId id, Timestamp cut, LoneChunks& chunks, uint64_t generation);
  void FreezeTail(SeriesId id, Timestamp cut, LoneChunks& chunks, uint64_t generation);
  void FreezeColumns(SeriesId id, Timestamp cut, SampleColumns& samples, LoneChunks& chunks,
                     uint64_t generation);

  static constexpr Timestamp kNever = Timestamp::min();

  LoneTail tail_;
  Timestamp newest_ = kNever;  // of all that the series has
  std::unique_ptr<Parts> parts_;
};

}  // namespace barograph::tsdb
