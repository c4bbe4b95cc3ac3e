#include "tsdb/windows.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace barograph::tsdb {
namespace {

constexpr size_t kManyOverlapping = 4;

// A merge pays when it at most so many times rewrites what is new in it.
constexpr uint64_t kMaxRewrite = 4;

bool Holds(TimeRange outer, TimeRange inner) {
  return outer.min <= inner.min && inner.max <= outer.max;
}

uint64_t BytesOf(std::span<const BlockMeta> blocks, std::span<const size_t> indexes) {
  uint64_t bytes = 0;
  for (const size_t i : indexes) bytes += blocks[i].stats.bytes;
  return bytes;
}

// Whether a group of blocks, some of which overlap, is worth a merge.
bool OverlapPays(std::span<const BlockMeta> blocks, std::span<const size_t> group) {
  if (group.size() >= kManyOverlapping) return true;
  uint64_t largest = 0;
  for (const size_t i : group) largest = std::max(largest, blocks[i].stats.bytes);
  return largest <= kMaxRewrite * (BytesOf(blocks, group) - largest);
}

// Runs of blocks that overlap one another, of two and more; `order` is by window begin.
std::vector<std::vector<size_t>> OverlappingGroups(std::span<const BlockMeta> blocks,
                                                   std::span<const size_t> order) {
  std::vector<std::vector<size_t>> groups;
  Timestamp end = kMinTimestamp;
  for (const size_t i : order) {
    const TimeRange window = blocks[i].origin.window;
    if (groups.empty() || window.min > end) groups.emplace_back();
    groups.back().push_back(i);
    end = std::max(end, window.max);
  }
  std::erase_if(groups, [](const auto& group) { return group.size() < 2; });
  return groups;
}

std::vector<size_t> Sorted(std::vector<size_t> indexes) {
  std::ranges::sort(indexes);
  return indexes;
}

}  // namespace

std::vector<Duration> WindowLengths(Duration shortest, Duration longest) {
  std::vector<Duration> lengths{shortest};
  while (lengths.back() * 3 <= longest) lengths.push_back(lengths.back() * 3);
  return lengths;
}

TimeRange WindowOf(Timestamp t, Duration length) {
  const int64_t ms = ToMs(t), step = length.count();
  const int64_t begin = ms - ((ms % step) + step) % step;
  return {FromMs(begin), FromMs(begin + step - 1)};
}

std::vector<TimeRange> WindowsBefore(Timestamp cut, TimeRange range,
                                     std::span<const Duration> lengths) {
  std::vector<TimeRange> windows;
  for (Timestamp t = range.min; t < cut && t <= range.max;) {
    TimeRange window = WindowOf(t, lengths.front());
    for (const Duration length : lengths) {
      const TimeRange longer = WindowOf(t, length);
      // It must be over by more than its own length: what is recent is merged level by level.
      if (longer.max + length < cut) window = longer;
    }
    windows.push_back(window);
    t = window.max + Duration(1);
  }
  return windows;
}

std::vector<size_t> PlanMerge(std::span<const BlockMeta> blocks,
                              std::span<const Duration> lengths) {
  std::vector<size_t> order(blocks.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) { return blocks[i].origin.window.min; });
  for (auto& group : OverlappingGroups(blocks, order)) {
    if (OverlapPays(blocks, group)) return Sorted(std::move(group));
  }
  if (blocks.empty()) return {};
  const Timestamp newest = blocks[order.back()].origin.window.min;
  for (const Duration length : lengths.subspan(std::min<size_t>(1, lengths.size()))) {
    std::map<Timestamp, std::vector<size_t>> windows;
    for (const size_t i : order) {
      const TimeRange window = WindowOf(blocks[i].origin.window.min, length);
      if (window.max < newest && Holds(window, blocks[i].origin.window)) {
        windows[window.min].push_back(i);
      }
    }
    for (auto& [begin, group] : windows) {
      if (group.size() < 2) continue;
      const bool overlap = !OverlappingGroups(blocks, group).empty();
      if (!overlap || OverlapPays(blocks, group)) return Sorted(std::move(group));
    }
  }
  return {};
}

TimeRange WindowAround(TimeRange range, std::span<const Duration> lengths) {
  for (const Duration length : lengths) {
    const TimeRange window = WindowOf(range.min, length);
    if (Holds(window, range)) return window;
  }
  return range;
}

}  // namespace barograph::tsdb
