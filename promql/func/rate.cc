#include <algorithm>
#include <cmath>

#include "promql/exec/column.h"
#include "promql/func/column_loops.h"
#include "promql/func/extrapolation.h"
#include "promql/func/range_function.h"
#include "promql/func/resets.h"

/// rate, increase, delta and their instant forms.
namespace barograph::promql {
namespace {

RateGeometry GeometryAt(const RangeInput& input, size_t step) {
  const Window window = input.windows[step];
  return GeometryOf(input.timestamps.subspan(window.begin, window.size()), input.end_ms(step),
                    input.range_ms);
}

double RangeSeconds(const RangeInput& input) { return static_cast<double>(input.range_ms) / 1000; }

// All that a window's geometry depends on.
struct WindowEnds {
  uint32_t samples = 0;
  Duration from_first{0};  // to the range's end
  Duration from_last{0};
  bool operator==(const WindowEnds&) const = default;
};

// Of a window with samples.
WindowEnds EndsOf(const RangeInput& input, size_t step) {
  const Window window = input.windows[step];
  const Timestamp end = FromMs(input.end_ms(step));
  return {window.size(), end - input.timestamps[window.begin],
          end - input.timestamps[window.end - 1]};
}

void FillTable(const RangeInput& input, RateKind kind, RateTable& table) {
  // So much that rounding cannot make zero look farther than it is.
  constexpr double kSlack = 1 + 1e-9;
  const size_t steps = input.windows.size();
  table.first.assign(steps, 0);
  table.last.assign(steps, 0);
  table.factor.assign(steps, kAbsent);
  table.near.assign(steps, 0);
  WindowEnds before;
  size_t known = 0;  // the step with these
  for (size_t step = 0; step < steps; ++step) {
    const Window window = input.windows[step];
    if (window.size() < 2) continue;
    table.first[step] = window.begin;
    table.last[step] = window.end - 1;
    const WindowEnds ends = EndsOf(input, step);
    if (ends == before) {  // nearly always, where timestamps are evenly spaced
      table.factor[step] = table.factor[known];
      table.near[step] = table.near[known];
      continue;
    }
    const RateGeometry geometry = GeometryAt(input, step);
    table.factor[step] = FactorOf(geometry, geometry.to_start, kind, RangeSeconds(input));
    table.near[step] = geometry.to_start / geometry.interval * kSlack;
    before = ends;
    known = step;
  }
}

const RateTable& FindTable(const RangeInput& input, RateKind kind) {
  constexpr size_t kBytesPerStep = 2 * sizeof(uint32_t) + 2 * sizeof(double);
  return input.scratch->tables.Find(input.timestamp_column, kBytesPerStep * input.windows.size(),
                                    [&](RateTable& table) { FillTable(input, kind, table); });
}

double RateAt(const RangeInput& input, size_t step, double first, double increase, RateKind kind) {
  return increase *
         ExtrapolationFactor(GeometryAt(input, step), first, increase, kind, RangeSeconds(input));
}

// As if there were no resets.
void RatesWithoutResets(const RangeInput& input, const RateTable& table, RateKind kind,
                        std::span<double> out) {
  for (size_t begin = 0; begin < out.size(); begin += kRateBlock) {
    const size_t end = std::min(begin + kRateBlock, out.size());
    if (!RatesOfIncreases(input.values, table, begin, end, out)) continue;
    for (size_t step = begin; step < end; ++step) {
      const double first = input.values[table.first[step]];
      const double increase = input.values[table.last[step]] - first;
      if (!IsZeroNear(first, increase, table.near[step]) || IsAbsent(out[step])) continue;
      out[step] = RateAt(input, step, first, increase, kind);
    }
  }
}

void RatesWithResets(const RangeInput& input, const ResetSums& resets, RateKind kind, size_t begin,
                     size_t end, std::span<double> out) {
  for (size_t step = begin; step < end; ++step) {
    const Window window = input.windows[step];
    if (window.size() < 2) continue;
    const double first = input.values[window.begin];
    const double increase = resets.AddTo(input.values[window.end - 1] - first, step);
    out[step] = RateAt(input, step, first, increase, kind);
  }
}

// Of a counter whose samples tell when it started: a window that holds the start has a zero there.
void RatesWithStarts(const RangeInput& input, RateKind kind, std::span<double> out) {
  const ResetSums resets(input);
  for (size_t step = 0; step < out.size(); ++step) {
    const Window window = input.windows[step];
    out[step] = kAbsent;
    if (window.size() == 0) continue;
    const double first = input.values[window.begin];
    const double increase = resets.AddTo(input.values[window.end - 1] - first, step);
    const StartedSample began = input.started()[window.begin];
    if (BeganInRange(began, FromMs(input.end_ms(step) - input.range_ms))) {
      const RateGeometry geometry = GeometryFromStart(
          input.timestamps.subspan(window.begin, window.size()), began.start, input.end_ms(step));
      out[step] =
          (increase + first) * FactorOf(geometry, geometry.to_start, kind, RangeSeconds(input));
    } else if (window.size() > 1) {
      out[step] = RateAt(input, step, first, increase, kind);
    }
  }
}

Status ExtrapolatedRate(const RangeInput& input, std::span<double> out, RateKind kind) {
  if (input.last() == 0) {
    std::fill(out.begin(), out.end(), kAbsent);
    return {};
  }
  if (!input.starts.empty()) {
    RatesWithStarts(input, kind, out);
    return {};
  }
  const RateTable& table = FindTable(input, kind);
  if (!kind.is_counter) {
    RatesOfDeltas(input.values, table, out);
    return {};
  }
  RatesWithoutResets(input, table, kind, out);
  // Counters start anew so rarely that the steps which see it are computed a second time.
  const ResetSums resets(input);
  resets.ForEachRun(
      [&](size_t begin, size_t end) { RatesWithResets(input, resets, kind, begin, end, out); });
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
    const bool is_reset = is_rate && (result < before || input.started().IsResetAt(window.end - 1));
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
