#include <algorithm>
#include <cmath>

#include "promql/exec/column.h"
#include "promql/func/range_function.h"

/// changes and resets: counts of events between neighbours, from running totals.
namespace barograph::promql {
namespace {

// Whether something happened between samples i - 1 and i.
bool IsChange(const RangeInput& input, uint32_t i) {
  const double before = input.values[i - 1];
  const double now = input.values[i];
  return now != before && !(std::isnan(now) && std::isnan(before));
}

bool IsReset(const RangeInput& input, uint32_t i) {
  return input.values[i] < input.values[i - 1] || input.started().IsResetAt(i);
}

// totals[i] counts the events at samples (first, first + i].
template <typename IsEvent>
void CountEvents(const RangeInput& input, IsEvent is_event, std::vector<uint32_t>& totals) {
  const uint32_t first = input.first();
  const uint32_t size = input.last() - first;
  totals.assign(size, 0);
  for (uint32_t i = 1; i < size; ++i) {
    const bool event = is_event(input, first + i);
    totals[i] = totals[i - 1] + (event ? 1 : 0);
  }
}

template <typename IsEvent>
void CountInWindows(const RangeInput& input, std::span<double> out, IsEvent is_event) {
  std::vector<uint32_t>& totals = input.scratch->indexes;
  CountEvents(input, is_event, totals);
  const uint32_t first = input.first();
  for (size_t step = 0; step < out.size(); ++step) {
    const Window window = input.windows[step];
    out[step] = window.size() == 0 ? kAbsent
                                   : totals[window.end - 1 - first] - totals[window.begin - first];
  }
}

// From the last sample at or before the range's start on, if there is one; nothing where no
// sample is after the start.
template <typename IsEvent>
void CountAnchored(const RangeInput& input, std::span<double> out, IsEvent is_event) {
  std::vector<uint32_t>& totals = input.scratch->indexes;
  CountEvents(input, is_event, totals);
  const uint32_t first = input.first();
  uint32_t inside = first;  // the first sample after the range's start
  for (size_t step = 0; step < out.size(); ++step) {
    const Window window = input.windows[step];
    const Timestamp start = FromMs(input.end_ms(step) - input.range_ms);
    inside = std::max(inside, window.begin);
    while (inside < window.end && input.timestamps[inside] <= start) ++inside;
    if (inside >= window.end) {
      out[step] = kAbsent;
      continue;
    }
    const uint32_t anchor = inside > window.begin ? inside - 1 : inside;
    out[step] = totals[window.end - 1 - first] - totals[anchor - first];
  }
}

}  // namespace

Status Changes(const RangeInput& input, std::span<double> out) {
  CountInWindows(input, out, IsChange);
  return {};
}

Status Resets(const RangeInput& input, std::span<double> out) {
  CountInWindows(input, out, IsReset);
  return {};
}

Status AnchoredChanges(const RangeInput& input, std::span<double> out) {
  CountAnchored(input, out, IsChange);
  return {};
}

Status AnchoredResets(const RangeInput& input, std::span<double> out) {
  CountAnchored(input, out, IsReset);
  return {};
}

}  // namespace barograph::promql
