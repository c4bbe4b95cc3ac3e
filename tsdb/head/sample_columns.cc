#include "tsdb/head/sample_columns.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

namespace barograph::tsdb {

void SortByTime(SampleColumns& columns) {
  const std::vector<Timestamp>& times = columns.timestamps;
  if (std::ranges::adjacent_find(times, std::greater_equal()) == times.end()) return;
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
    for (size_t i = 0; i < next.size(); ++i) merged.Take(next, i);
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
