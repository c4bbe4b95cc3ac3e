#include "tsdb/head/sample_columns.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace barograph::tsdb {

void SampleColumns::Take(SampleColumns& from, size_t begin, size_t end) {
  if (!histograms.empty() || !from.histograms.empty()) {
    for (size_t i = begin; i < end; ++i) Take(from, i);
    return;
  }
  const auto first = static_cast<ptrdiff_t>(begin), last = static_cast<ptrdiff_t>(end);
  timestamps.insert(timestamps.end(), from.timestamps.begin() + first,
                    from.timestamps.begin() + last);
  values.insert(values.end(), from.values.begin() + first, from.values.begin() + last);
}

void SampleColumns::TakeRange(SampleColumns& from, TimeRange range) {
  const auto& times = from.timestamps;
  const auto begin = std::ranges::lower_bound(times, range.min) - times.begin();
  const auto end = std::ranges::upper_bound(times, range.max) - times.begin();
  if (begin < end) Take(from, static_cast<size_t>(begin), static_cast<size_t>(end));
}

// Without a way out in the middle, so that many are compared at a time.
bool Ascend(std::span<const Timestamp> timestamps) {
  unsigned descents = 0;
  for (size_t i = 1; i < timestamps.size(); ++i) {
    descents |= static_cast<unsigned>(timestamps[i] <= timestamps[i - 1]);
  }
  return descents == 0;
}

void SortByTime(SampleColumns& columns) {
  const std::vector<Timestamp>& times = columns.timestamps;
  if (Ascend(times)) return;
  std::vector<size_t> order(columns.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](size_t i) { return std::pair(times[i], i); });
  SampleColumns sorted;
  for (const size_t i : order) {
    if (sorted.empty() || sorted.timestamps.back() != times[i]) sorted.Take(columns, i);
  }
  columns = std::move(sorted);
}

void MergeInto(SampleColumns& merged, SampleColumns& next) {
  if (merged.empty()) {
    std::swap(merged, next);
    return;
  }
  if (next.empty() || merged.timestamps.back() < next.timestamps.front()) {
    merged.Take(next, 0, next.size());
    return;
  }
  SampleColumns both;
  size_t a = 0, b = 0;
  while (a < merged.size() || b < next.size()) {
    const bool take_next =
        a == merged.size() || (b < next.size() && next.timestamps[b] < merged.timestamps[a]);
    SampleColumns& from = take_next ? next : merged;
    const size_t i = take_next ? b++ : a++;
    if (both.empty() || both.timestamps.back() != from.timestamps[i]) both.Take(from, i);
  }
  merged = std::move(both);
}

}  // namespace barograph::tsdb
