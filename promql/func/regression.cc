#include <fmt/format.h>

#include <cmath>

#include "promql/exec/column.h"
#include "promql/func/kahan.h"
#include "promql/func/range_function.h"
#include "promql/func/sliding.h"

/// deriv, predict_linear (least squares) and double_exponential_smoothing (Holt).
namespace barograph::promql {
namespace {

struct Line {
  double slope;
  double intercept;  ///< the value at the origin
};

// The sums of a least-squares fit, with times in seconds from an origin.
struct FitSums {
  double count = 0;
  double x = 0;
  double y = 0;
  double xy = 0;
  double xx = 0;
  Timestamp origin;
};

Line Solve(const FitSums& sums) {
  const double covariance = sums.xy - sums.x * sums.y / sums.count;
  const double variance = sums.xx - sums.x * sums.x / sums.count;
  const double slope = covariance / variance;
  return {slope, sums.y / sums.count - slope * sums.x / sums.count};
}

Line FlatLine(double value) {
  if (std::isinf(value)) return {kNormalNan, kNormalNan};
  return {0, value};
}

double SecondsFrom(Timestamp origin, Timestamp t) {
  return static_cast<double>((t - origin).count()) / 1e3;
}

Line FitFromScratch(const RangeInput& input, Window window, Timestamp origin) {
  KahanSum x;
  KahanSum y;
  KahanSum xy;
  KahanSum xx;
  for (uint32_t i = window.begin; i < window.end; ++i) {
    const double seconds = SecondsFrom(origin, input.timestamps[i]);
    const double value = input.values[i];
    x.Add(seconds);
    y.Add(value);
    xy.Add(seconds * value);
    xx.Add(seconds * seconds);
  }
  FitSums sums;
  sums.count = window.size();
  sums.x = x.sum + x.compensation;
  sums.y = y.sum + y.compensation;
  sums.xy = xy.sum + xy.compensation;
  sums.xx = xx.sum + xx.compensation;
  return Solve(sums);
}

// The same sums seen from another origin.
FitSums MoveOrigin(const FitSums& sums, Timestamp origin) {
  const double shift = SecondsFrom(origin, sums.origin);
  FitSums moved = sums;
  moved.x = sums.x + sums.count * shift;
  moved.xy = sums.xy + shift * sums.y;
  moved.xx = sums.xx + 2 * shift * sums.x + sums.count * shift * shift;
  moved.origin = origin;
  return moved;
}

void MergeFits(FitSums& into, const FitSums& next) {
  const FitSums moved = MoveOrigin(next, into.origin);
  into.count += moved.count;
  into.x += moved.x;
  into.y += moved.y;
  into.xy += moved.xy;
  into.xx += moved.xx;
}

// runs[i] is where the run of equal values that sample i belongs to began, from `first` on.
void FindRuns(const RangeInput& input, std::vector<uint32_t>& runs) {
  const uint32_t first = input.first();
  runs.resize(input.last() - first);
  for (uint32_t i = 0; i < runs.size(); ++i) {
    const bool same = i > 0 && input.values[first + i] == input.values[first + i - 1];
    runs[i] = same ? runs[i - 1] : first + i;
  }
}

// Calls take(step, line) for each window of two samples or more; origin(step) is where the line's
// intercept is taken.
template <typename Origin, typename Take>
void FitLines(const RangeInput& input, Origin origin, Take take) {
  std::vector<uint32_t>& runs = input.scratch->indexes;
  FindRuns(input, runs);
  const auto is_flat = [&](Window window) {
    return runs[window.end - 1 - input.first()] <= window.begin;
  };
  if (input.sparse()) {
    for (size_t step = 0; step < input.windows.size(); ++step) {
      const Window window = input.windows[step];
      if (window.size() < 2) continue;
      take(step, is_flat(window) ? FlatLine(input.values[window.begin])
                                 : FitFromScratch(input, window, origin(step)));
    }
    return;
  }
  SlideWindows<FitSums>(
      input.windows,
      [&](uint32_t i) {
        FitSums sums;
        sums.count = 1;
        sums.y = input.values[i];
        sums.origin = input.timestamps[i];
        return sums;
      },
      MergeFits,
      [&](size_t step, const FitSums& sums) {
        const Window window = input.windows[step];
        if (window.size() < 2) return;
        take(step, is_flat(window) ? FlatLine(input.values[window.begin])
                                   : Solve(MoveOrigin(sums, origin(step))));
      });
}

Status CheckFactor(std::string_view which, std::string_view symbol, double factor) {
  if (factor > 0 && factor < 1) return {};
  return Fail(
      ErrorCode::kExecution,
      fmt::format("invalid {} factor. Expected: 0 < {} < 1, got: {:f}", which, symbol, factor));
}

double Smooth(std::span<const double> values, double smoothing, double trend) {
  double before = 0;
  double smoothed = values[0];
  double slope = values[1] - values[0];
  for (size_t i = 1; i < values.size(); ++i) {
    const double scaled = smoothing * values[i];
    if (i > 1) slope = trend * (smoothed - before) + (1 - trend) * slope;
    const double continued = (1 - smoothing) * (smoothed + slope);
    before = smoothed;
    smoothed = scaled + continued;
  }
  return smoothed;
}

}  // namespace

Status Deriv(const RangeInput& input, std::span<double> out) {
  std::fill(out.begin(), out.end(), kAbsent);
  FitLines(
      input, [&](size_t step) { return input.timestamps[input.windows[step].begin]; },
      [&](size_t step, Line line) { out[step] = line.slope; });
  return {};
}

Status PredictLinear(const RangeInput& input, std::span<double> out) {
  std::fill(out.begin(), out.end(), kAbsent);
  FitLines(
      input, [&](size_t step) { return FromMs(input.grid.at(step)); },
      [&](size_t step, Line line) {
        out[step] = line.slope * input.scalars[0][step] + line.intercept;
      });
  return {};
}

// Each smoothed value depends on the two before it back to the window's start, and so each window
// is computed from scratch.
Status DoubleExponentialSmoothing(const RangeInput& input, std::span<double> out) {
  for (size_t step = 0; step < out.size(); ++step) {
    const Window window = input.windows[step];
    out[step] = kAbsent;
    if (window.size() == 0) continue;
    const double smoothing = input.scalars[0][step];
    const double trend = input.scalars[1][step];
    TRY(CheckFactor("smoothing", "sf", smoothing));
    TRY(CheckFactor("trend", "tf", trend));
    if (window.size() < 2) continue;
    out[step] = Smooth(input.values.subspan(window.begin, window.size()), smoothing, trend);
  }
  return {};
}

}  // namespace barograph::promql
