#include "tsdb/chunk/timestamp_codec.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "base/bytes/varint.h"
#include "tsdb/chunk/integer_loops.h"
#include "tsdb/chunk/integer_stream.h"
#include "tsdb/chunk/run_encoder.h"

namespace barograph::tsdb {
namespace {

std::unexpected<Error> Malformed(const char* what) {
  return Fail(ErrorCode::kCorruption, std::string("column of timestamps: ") + what);
}

uint64_t Ms(Timestamp timestamp) { return static_cast<uint64_t>(ToMs(timestamp)); }

/// Times at which something happens every `step`, but for periods that it skipped: before the
/// `first`-th timestamp, `periods` of them.
struct Skip {
  size_t first = 0;
  uint64_t periods = 0;
};
struct Grid {
  uint64_t step = 0;
  std::vector<Skip> skips;
};

/// The step that half of the steps do not exceed; 0 where that is not positive.
uint64_t MedianStep(std::span<const Timestamp> timestamps) {
  if (timestamps.size() < 2) return 0;
  std::vector<int64_t> steps(timestamps.size() - 1);
  for (size_t i = 0; i < steps.size(); ++i) {
    steps[i] = static_cast<int64_t>(Ms(timestamps[i + 1]) - Ms(timestamps[i]));
  }
  const auto middle = steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2);
  std::nth_element(steps.begin(), middle, steps.end());
  return *middle > 0 ? static_cast<uint64_t>(*middle) : 0;
}

Grid FindGrid(std::span<const Timestamp> timestamps) {
  Grid grid{MedianStep(timestamps), {}};
  if (grid.step == 0) return grid;
  for (size_t i = 1; i < timestamps.size(); ++i) {
    if (timestamps[i] <= timestamps[i - 1]) continue;
    const uint64_t step = Ms(timestamps[i]) - Ms(timestamps[i - 1]);
    const uint64_t periods = step / grid.step + (step % grid.step >= grid.step / 2 + 1 ? 1 : 0);
    if (periods > 1) grid.skips.push_back({i, periods - 1});
  }
  return grid;
}

/// Where the grid expects one timestamp after the other.
class GridWalk {
 public:
  explicit GridWalk(const Grid& grid)
      : step_(grid.step), skip_(grid.skips.begin()), end_(grid.skips.end()) {}

  /// The expected distance of timestamp `i` from the first. To be asked in order, from 0.
  uint64_t Next(size_t i) {
    if (i > 0) expected_ += step_;
    if (skip_ != end_ && skip_->first == i) {
      expected_ += skip_->periods * step_;
      ++skip_;
    }
    return expected_;
  }

 private:
  uint64_t step_;
  std::vector<Skip>::const_iterator skip_;
  std::vector<Skip>::const_iterator end_;
  uint64_t expected_ = 0;
};

void AppendOnGrid(std::span<const Timestamp> timestamps, const Grid& grid, RunEncoder& encoder,
                  std::string& out) {
  AppendVarint(out, grid.step);
  if (grid.step != 0) {
    AppendVarint(out, ZigZag(ToMs(timestamps[0])));
    AppendVarint(out, grid.skips.size());
    size_t last = 0;
    for (const Skip& skip : grid.skips) {
      AppendVarint(out, skip.first - last);
      AppendVarint(out, skip.periods);
      last = skip.first;
    }
  }
  const uint64_t origin = grid.step != 0 ? Ms(timestamps[0]) : 0;
  MappedRun& run = encoder.run();
  run.mapping = 0;
  run.specials.clear();
  run.integers.clear();
  GridWalk walk(grid);
  for (size_t i = 0; i < timestamps.size(); ++i) {
    run.integers.push_back(Ms(timestamps[i]) - origin - walk.Next(i));
  }
  encoder.Encode(out);
}

/// Reads the front of a column. Returns the byte after it, or nullptr.
const char* ReadGrid(const char* in, const char* end, size_t count, Grid& grid, uint64_t& origin) {
  in = GetVarint(in, end, grid.step);
  if (in == nullptr || grid.step == 0) return in;
  uint64_t skips = 0;
  in = GetVarint(in, end, origin);
  if (in != nullptr) in = GetVarint(in, end, skips);
  if (in == nullptr || skips >= count) return nullptr;
  origin = static_cast<uint64_t>(UnZigZag(origin));
  uint64_t position = 0;
  for (uint64_t i = 0; i < skips; ++i) {
    uint64_t gap = 0;
    Skip skip;
    in = GetVarint(in, end, gap);
    if (in != nullptr) in = GetVarint(in, end, skip.periods);
    if (in == nullptr || gap == 0 || gap >= count - position) return nullptr;
    skip.first = position += gap;
    grid.skips.push_back(skip);
  }
  return in;
}

}  // namespace

void EncodeTimestamps(std::span<const Timestamp> timestamps, std::string& out) {
  if (timestamps.empty()) return;
  RunEncoder encoder;
  std::string free, gridded;
  AppendOnGrid(timestamps, Grid{}, encoder, free);
  const Grid grid = FindGrid(timestamps);
  if (grid.step != 0) AppendOnGrid(timestamps, grid, encoder, gridded);
  out += gridded.empty() || free.size() < gridded.size() ? free : gridded;
}

Status DecodeTimestamps(std::string_view bytes, std::span<Timestamp> out) {
  if (out.empty()) {
    if (!bytes.empty()) return Malformed("bytes without timestamps");
    return {};
  }
  Grid grid;
  uint64_t origin = 0;
  const char* const end = bytes.data() + bytes.size();
  const char* const in = ReadGrid(bytes.data(), end, out.size(), grid, origin);
  if (in == nullptr) return Malformed("a malformed grid");

  RunHeader header;
  if (!ParseIntegerRunHeader({in, static_cast<size_t>(end - in)}, out.size(), header)) {
    return Malformed("a malformed header");
  }
  // Up to the next skip the grid is regular: many timestamps at a time.
  auto skip = grid.skips.begin();
  uint64_t expected = origin;  // of timestamp 0, had there been the skips before
  std::array<uint64_t, kBlockSize> at;
  const auto take = [&](const uint64_t* offsets, size_t begin, size_t count) {
    size_t i = 0;
    while (i < count) {
      if (skip != grid.skips.end() && skip->first == begin + i) {
        expected += skip->periods * grid.step;
        ++skip;
      }
      const size_t end = skip == grid.skips.end() ? count : std::min(count, skip->first - begin);
      AddToSteps(offsets + i, end - i, expected + (begin + i) * grid.step, grid.step,
                 at.data() + i);
      for (size_t k = i; k < end; ++k) {
        out[begin + k] = FromMs(static_cast<int64_t>(at[k]));
      }
      i = end;
    }
  };
  if (!DecodeIntegers(header, out.size(), take)) return Malformed("a malformed stream");
  return {};
}

}  // namespace barograph::tsdb
