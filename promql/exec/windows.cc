#include "promql/exec/windows.h"

#include <algorithm>

#include "base/wide.h"

namespace barograph::promql {
namespace {

uint32_t CountUpTo(std::span<const Timestamp> timestamps, int64_t time_ms) {
  const auto end = std::upper_bound(timestamps.begin(), timestamps.end(), FromMs(time_ms));
  return static_cast<uint32_t>(end - timestamps.begin());
}

// The first index from `from` on whose timestamp is after `time`. Steps are alike: it is most often
// `guess` further.
uint32_t Advance(std::span<const Timestamp> timestamps, uint32_t from, uint32_t guess,
                 Timestamp time) {
  const auto size = static_cast<uint32_t>(timestamps.size());
  const uint64_t guessed = uint64_t{from} + guess;
  if (guessed < size && timestamps[guessed] > time &&
      (guess == 0 || timestamps[guessed - 1] <= time)) {
    return static_cast<uint32_t>(guessed);
  }
  while (from < size && timestamps[from] <= time) ++from;
  return from;
}

// How many of the timestamps after `from` follow each the one before it by `interval`, counted in
// whole blocks.
BAROGRAPH_WIDE uint32_t CountEven(std::span<const Timestamp> timestamps, uint32_t from,
                                  Duration interval) {
  constexpr uint32_t kBlock = 64;
  uint32_t end = from + 1;
  while (end + kBlock <= timestamps.size()) {
    const Timestamp* const at = timestamps.data() + end - 1;
    uint64_t uneven = 0;
    for (uint32_t i = 0; i < kBlock; ++i) uneven |= at[i + 1] - at[i] != interval ? 1 : 0;
    if (uneven != 0) break;
    end += kBlock;
  }
  return end - from - 1;
}

// Steps over evenly spaced timestamps, of which so many make one step: each step's window is the
// one before it, moved.
class EvenSteps {
 public:
  EvenSteps(std::span<const Timestamp> timestamps, int64_t step_ms)
      : timestamps_(timestamps), step_(step_ms) {}

  // How many steps after one whose window moved by `moves` at both ends are sure to have moved by
  // as many.
  size_t CountAfter(Window window, uint32_t moves) {
    if (moves == 0 || window.begin < moves || window.end >= timestamps_.size()) return 0;
    // All that the windows depend on, from before their begins to behind their ends.
    const uint32_t first = window.begin - 1;
    if (first < even_begin_ || window.end >= even_end_) {
      if (window.end < not_before_) return 0;
      const Duration interval = timestamps_[first + 1] - timestamps_[first];
      even_begin_ = first;
      even_end_ = first;
      if (interval * moves == step_) even_end_ += CountEven(timestamps_, first, interval) + 1;
      not_before_ = window.end + kPatience * moves;
    }
    return window.end < even_end_ ? (even_end_ - 1 - window.end) / moves : 0;
  }

 private:
  // Steps before uneven timestamps are looked at again.
  static constexpr uint32_t kPatience = 32;

  std::span<const Timestamp> timestamps_;
  Duration step_;
  uint32_t even_begin_ = 0;
  uint32_t even_end_ = 0;
  uint32_t not_before_ = 0;
};

// All steps look at one window.
void FindPinned(std::span<const Timestamp> timestamps, const WindowSpec& spec, Windows& windows) {
  const int64_t reference = spec.shift.Refer(spec.grid.start_ms);
  const Window window{CountUpTo(timestamps, reference - spec.before_ms),
                      CountUpTo(timestamps, reference + spec.after_ms)};
  windows.steps.assign(spec.grid.count, window);
  windows.total = static_cast<uint64_t>(window.size()) * spec.grid.count;
  windows.covered = window.size();
}

}  // namespace

void FindWindows(std::span<const Timestamp> timestamps, const WindowSpec& spec, Windows& windows) {
  if (spec.shift.at_ms.has_value() || spec.grid.count <= 1) {
    return FindPinned(timestamps, spec, windows);
  }
  windows.steps.resize(spec.grid.count);
  windows.total = 0;
  windows.covered = 0;
  const int64_t first = spec.shift.Refer(spec.grid.start_ms);
  uint32_t begin = CountUpTo(timestamps, first - spec.before_ms);
  uint32_t end = begin;
  uint32_t begin_moves = 0;
  uint32_t end_moves = 0;
  EvenSteps even(timestamps, spec.grid.step_ms);
  for (size_t step = 0; step < spec.grid.count; ++step) {
    const int64_t reference = first + static_cast<int64_t>(step) * spec.grid.step_ms;
    const Timestamp after = FromMs(reference - spec.before_ms);
    const Timestamp last = FromMs(reference + spec.after_ms);
    const uint32_t next_begin = Advance(timestamps, begin, begin_moves, after);
    begin_moves = next_begin - begin;
    begin = next_begin;
    end = std::max(end, begin);
    const uint32_t next_end = Advance(timestamps, end, end_moves, last);
    end_moves = next_end - end;
    windows.covered += next_end - end;
    end = next_end;
    windows.steps[step] = {begin, end};
    windows.total += end - begin;
    if (begin_moves != end_moves) continue;
    const uint32_t moves = begin_moves;
    const size_t alike = std::min(spec.grid.count - 1 - step, even.CountAfter({begin, end}, moves));
    for (size_t i = 0; i < alike; ++i) {
      begin += moves;
      end += moves;
      windows.steps[++step] = {begin, end};
    }
    windows.total += alike * (end - begin);
    windows.covered += alike * moves;
  }
}

const Windows& WindowCache::Find(const SeriesSamples& samples) {
  if (samples.timestamp_column == 0) {
    FindWindows(samples.timestamps, spec_, own_);
    return own_;
  }
  if (by_column_.size() >= kMaxColumns && !by_column_.contains(samples.timestamp_column)) {
    by_column_.clear();
  }
  const auto [entry, is_new] = by_column_.try_emplace(samples.timestamp_column);
  if (is_new) FindWindows(samples.timestamps, spec_, entry->second);
  return entry->second;
}

}  // namespace barograph::promql
