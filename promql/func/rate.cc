#include <cmath>

#include "promql/exec/column.h"
#include "promql/func/range_function.h"
#include "promql/func/resets.h"

/// rate, increase, delta and their instant forms, with the extrapolation of Prometheus
/// (promql/functions.go, extrapolatedRate), operation by operation.
namespace barograph::promql {
namespace {

struct RateKind {
  bool is_counter;
  bool per_second;
};

double SecondsBetween(Timestamp from, Timestamp to) {
  return static_cast<double>((to - from).count()) / 1000;
}

RateGeometry GeometryOf(const RangeInput& input, Window window, int64_t range_end_ms) {
  const Timestamp first = input.timestamps[window.begin];
  const Timestamp last = input.timestamps[window.end - 1];
  double to_start = SecondsBetween(FromMs(range_end_ms - input.range_ms), first);
  double to_end = SecondsBetween(last, FromMs(range_end_ms));
  const double interval = SecondsBetween(first, last);
  const double average = interval / static_cast<double>(window.size() - 1);
  const double threshold = average * 1.1;
  if (to_start >= threshold) to_start = average / 2;
  if (to_end >= threshold) to_end = average / 2;
  return {to_start, to_end, interval};
}

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
    if (window.size() >= 2) scratch.geometry[step] = GeometryOf(input, window, input.end_ms(step));
  }
  return scratch.geometry;
}

double Extrapolate(const RateGeometry& geometry, double first, double increase, RateKind kind,
                   double range_seconds) {
  double to_start = geometry.to_start;
  if (kind.is_counter && increase > 0 && first >= 0) {
    // A counter does not come from below zero: no further back than where it would have been 0.
    const double to_zero = geometry.interval * (first / increase);
    if (to_zero < to_start) to_start = to_zero;
  }
  double factor = 1;
  if (geometry.interval != 0) {
    factor = (geometry.interval + to_start + geometry.to_end) / geometry.interval;
  }
  if (kind.per_second) factor /= range_seconds;
  return increase * factor;
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
    out[step] = Extrapolate(geometry[step], first, increase, kind, range_seconds);
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
