#include "promql/exec/windows.h"

#include <algorithm>

namespace barograph::promql {
namespace {

uint32_t CountUpTo(std::span<const Timestamp> timestamps, int64_t time_ms) {
  const auto end = std::upper_bound(timestamps.begin(), timestamps.end(), FromMs(time_ms));
  return static_cast<uint32_t>(end - timestamps.begin());
}

// All steps look at one window.
void FindPinned(std::span<const Timestamp> timestamps, const WindowSpec& spec, Windows& windows) {
  const int64_t reference = spec.shift.Refer(spec.grid.start_ms);
  const Window window{CountUpTo(timestamps, reference - spec.before_ms),
                      CountUpTo(timestamps, reference + spec.after_ms)};
  windows.steps.assign(spec.grid.count, window);
  windows.total = static_cast<uint64_t>(window.size()) * spec.grid.count;
}

}  // namespace

void FindWindows(std::span<const Timestamp> timestamps, const WindowSpec& spec, Windows& windows) {
  if (spec.shift.at_ms.has_value() || spec.grid.count <= 1) {
    return FindPinned(timestamps, spec, windows);
  }
  windows.steps.resize(spec.grid.count);
  windows.total = 0;
  const auto size = static_cast<uint32_t>(timestamps.size());
  const int64_t first = spec.shift.Refer(spec.grid.start_ms);
  uint32_t begin = CountUpTo(timestamps, first - spec.before_ms);
  uint32_t end = begin;
  for (size_t step = 0; step < spec.grid.count; ++step) {
    const int64_t reference = first + static_cast<int64_t>(step) * spec.grid.step_ms;
    const Timestamp after = FromMs(reference - spec.before_ms);
    const Timestamp last = FromMs(reference + spec.after_ms);
    while (begin < size && timestamps[begin] <= after) ++begin;
    end = std::max(end, begin);
    while (end < size && timestamps[end] <= last) ++end;
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
