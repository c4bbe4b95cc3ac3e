#include <cmath>

#include "promql/exec/column.h"
#include "promql/func/extrapolation.h"
#include "promql/func/range_function.h"
#include "promql/func/resets.h"

/// rate, increase, delta and their instant forms.
namespace barograph::promql {
namespace {

// Per step; once a column of timestamps.
const std::vector<RateGeometry>& FindGeometry(const RangeInput& input) {
  RangeScratch& scratch = *input.scratch;
  const bool known =
      input.timestamp_column != 0 && scratch.geometry_column == input.timestamp_column;
  if (known) return scratch.geometry;
  scratch.geometry_column = input.timestamp_column;
  scratch.geometry.resize(input.windows.size());
  for (size_t step = 0; step < input.windows.size(); ++step) {
    const Window window = input.windows[step];
    if (window.size() < 2) continue;
    const auto timestamps = input.timestamps.subspan(window.begin, window.size());
    scratch.geometry[step] = GeometryOf(timestamps, input.end_ms(step), input.range_ms);
  }
  return scratch.geometry;
}

Status ExtrapolatedRate(const RangeInput& input, std::span<double> out, RateKind kind) {
  const std::vector<RateGeometry>& geometry = FindGeometry(input);
  const double range_seconds = static_cast<double>(input.range_ms) / 1000;
  const ResetSums resets(input, kind.is_counter);
  for (size_t step = 0; step < out.size(); ++step) {
    const Window window = input.windows[step];
    if (window.size() < 2) {
      out[step] = kAbsent;
      continue;
    }
    const double first = input.values[window.begin];
    const double increase = resets.AddTo(input.values[window.end - 1] - first, step);
    out[step] =
        increase * ExtrapolationFactor(geometry[step], first, increase, kind, range_seconds);
  }
  return {};
}

Status FromLastTwo(const RangeInput& input, std::span<double> out, bool is_rate) {
  for (size_t step = 0; step < out.size(); ++step) {
    const Window window = input.windows[step];
    if (window.size() < 2) {
      out[step] = kAbsent;
      continue;
    }
    const double before = input.values[window.end - 2];
    double result = input.values[window.end - 1];
    const bool is_reset = is_rate && result < before;
    if (!is_reset) result -= before;
    if (is_rate) {
      result /= SecondsBetween(input.timestamps[window.end - 2], input.timestamps[window.end - 1]);
    }
    out[step] = result;
  }
  return {};
}

}  // namespace

Status Rate(const RangeInput& input, std::span<double> out) {
  return ExtrapolatedRate(input, out, {.is_counter = true, .per_second = true});
}

Status Increase(const RangeInput& input, std::span<double> out) {
  return ExtrapolatedRate(input, out, {.is_counter = true, .per_second = false});
}

Status Delta(const RangeInput& input, std::span<double> out) {
  return ExtrapolatedRate(input, out, {.is_counter = false, .per_second = false});
}

Status InstantRate(const RangeInput& input, std::span<double> out) {
  return FromLastTwo(input, out, true);
}

Status InstantDelta(const RangeInput& input, std::span<double> out) {
  return FromLastTwo(input, out, false);
}

}  // namespace barograph::promql
