#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/model/sample.h"
#include "base/storage/queryable.h"
#include "base/time.h"

/// How start timestamps are stored: those of a series are the samples of a hidden stream, at the
/// times of its samples, in milliseconds as a float (exact up to 285,000 years from 1970). A stream
/// is a column of the same scrape table, lone samples, a series of a block as any other, and so
/// goes wherever samples go; but it has no labels, and neither registry nor index knows it
/// (docs/decisions/0009-start-timestamps.md).
namespace barograph::tsdb {

/// Set in a stream's id, beside the id of its series. Ids are dense from 1 and never come so far;
/// and lists of them pay for the step to the streams once.
inline constexpr uint64_t kStartStreamBit = uint64_t{1} << 47;

constexpr SeriesId StartStreamOf(SeriesId series) {
  return SeriesId{static_cast<uint64_t>(series) | kStartStreamBit};
}
constexpr bool IsStartStream(SeriesId id) {
  return (static_cast<uint64_t>(id) & kStartStreamBit) != 0;
}
/// The series that a stream belongs to; of a series, itself.
constexpr SeriesId SeriesOfStream(SeriesId id) {
  return SeriesId{static_cast<uint64_t>(id) & ~kStartStreamBit};
}

constexpr double ToStreamValue(Timestamp start) { return static_cast<double>(ToMs(start)); }
/// kUnknownStart for what no writer made.
constexpr Timestamp FromStreamValue(double value) {
  constexpr double kMost = 9007199254740992;  // 2^53
  return value >= -kMost && value <= kMost ? FromMs(static_cast<int64_t>(value)) : kUnknownStart;
}

/// Gathers the start timestamps of one series from the places that hold some, and puts them beside
/// its samples: those at other times, of samples that were deleted, are not seen. Keeps its memory
/// from series to series. One thread at a time.
class StartTimestamps {
 public:
  void Clear() { parts_ = 0; }

  /// Adds what one place holds of the stream: what places before it hold at the same times does not
  /// count.
  void AddStream(std::span<const Timestamp> timestamps, std::span<const double> values);

  /// The same of samples that have their start timestamps beside them already.
  void AddStarts(const SeriesSamples& samples);

  /// The starts of samples at `timestamps`; empty where none is known. Lives until the next call.
  std::span<const Timestamp> Beside(std::span<const Timestamp> timestamps);

 private:
  struct Part {
    std::vector<Timestamp> timestamps;
    std::vector<Timestamp> starts;  // parallel
  };
  Part& NewPart();
  bool Put(const Part& part, std::span<const Timestamp> timestamps);

  std::vector<Part> list_;  // the first `parts_` are in use
  size_t parts_ = 0;
  std::vector<Timestamp> starts_;
};

/// The start timestamps of `samples` as the samples of their stream, for a block.
class StartStream {
 public:
  /// Nothing where no start is known. The spans live until the next call.
  SeriesSamples Of(const SeriesSamples& samples);

 private:
  std::vector<Timestamp> timestamps_;
  std::vector<double> values_;
};

}  // namespace barograph::tsdb
