#include "promql/exec/windows.h"

#include <algorithm>

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
