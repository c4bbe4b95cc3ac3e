#include <algorithm>

#include "promql/exec/column.h"
#include "promql/func/range_function.h"
#include "promql/func/resets.h"
#include "promql/func/straight_line.h"

/// rate, increase and delta over anchored and smoothed selectors: the difference between the
/// values at the range's two ends, taken from the samples at or before them (anchored) or
/// interpolated between their neighbours (smoothed). Windows reach beyond the range by the
/// lookback. Follows Prometheus's extendedRate.
namespace barograph::promql {
namespace {

struct ExtendedKind {
  bool smoothed;
  bool is_counter;
  bool per_second;
};

// Samples first..last, both included, that a step's result is made of.
struct Reach {
  uint32_t first;
  uint32_t last;
};

class ExtendedRate {
 public:
  ExtendedRate(const RangeInput& input, ExtendedKind kind) : input_(input), kind_(kind) {
    if (kind.is_counter) {
      FindResets(input.values, input.first(), input.last(), input.scratch->indexes);
    }
  }

  void Compute(std::span<double> out) {
    for (size_t step = 0; step < out.size(); ++step) {
      out[step] = input_.windows[step].size() == 0 ? kAbsent : AtStep(step);
    }
  }

 private:
  Timestamp time(uint32_t i) const { return input_.timestamps[i]; }
  double value(uint32_t i) const { return input_.values[i]; }

  double AtStep(size_t step) {
    const Timestamp end = FromMs(input_.end_ms(step));
    const Timestamp start = end - Duration(input_.range_ms);
    const Reach reach = FindReach(input_.windows[step], start, end);
    if (time(reach.last) <= start) return kAbsent;
    if (kind_.smoothed && time(reach.first) > end) return kAbsent;

    const double left = LeftValue(reach.first, start);
    const double right = RightValue(reach, input_.windows[step].begin, end);
    double result = right - left;
    if (kind_.is_counter) result += Correction(reach, start, end, left, right);
    if (kind_.per_second) result /= static_cast<double>(input_.range_ms) / 1000;
    return result;
  }

  Reach FindReach(Window window, Timestamp start, Timestamp end) const {
    const auto begin = input_.timestamps.begin();
    const auto last = begin + (window.end - 1);
    const auto after_start = std::upper_bound(begin + window.begin, last, start);
    const auto first = static_cast<uint32_t>(after_start - begin);
    Reach reach{std::max(window.begin, first == 0 ? 0 : first - 1), window.end - 1};
    if (kind_.smoothed) {
      const auto at_end = std::lower_bound(begin + window.begin, last, end);
      reach.last = static_cast<uint32_t>(at_end - begin);
    }
    return reach;
  }

  double Interpolate(uint32_t before, uint32_t after, Timestamp at) const {
    const bool started_anew = kind_.is_counter && value(after) < value(before);
    return ValueOnLine({time(before), started_anew ? 0 : value(before)},
                       {time(after), value(after)}, at);
  }

  double LeftValue(uint32_t first, Timestamp start) const {
    const bool between = kind_.smoothed && time(first) < start && first + 1 < input_.values.size();
    return between ? Interpolate(first, first + 1, start) : value(first);
  }

  double RightValue(Reach reach, uint32_t window_begin, Timestamp end) const {
    const bool between = kind_.smoothed && reach.last > window_begin && time(reach.last) > end;
    return between ? Interpolate(reach.last - 1, reach.last, end) : value(reach.last);
  }

  // What the resets strictly inside the range took away.
  double Correction(Reach reach, Timestamp start, Timestamp end, double left, double right) const {
    uint32_t first = reach.first;
    uint32_t past_last = reach.last + 1;
    if (time(first) <= start) ++first;
    if (time(reach.last) >= end) --past_last;
    if (first >= past_last) return right < left ? left : 0;
    double correction = 0;
    if (value(first) < left) correction += left;
    const std::vector<uint32_t>& resets = input_.scratch->indexes;
    auto reset = std::upper_bound(resets.begin(), resets.end(), first);
    for (; reset != resets.end() && *reset < past_last; ++reset) correction += value(*reset - 1);
    if (right < value(past_last - 1)) correction += value(past_last - 1);
    return correction;
  }

  const RangeInput& input_;
  ExtendedKind kind_;
};

Status Compute(const RangeInput& input, std::span<double> out, ExtendedKind kind) {
  ExtendedRate(input, kind).Compute(out);
  return {};
}

}  // namespace

Status AnchoredRate(const RangeInput& input, std::span<double> out) {
  return Compute(input, out, {.smoothed = false, .is_counter = true, .per_second = true});
}

Status AnchoredIncrease(const RangeInput& input, std::span<double> out) {
  return Compute(input, out, {.smoothed = false, .is_counter = true, .per_second = false});
}

Status AnchoredDelta(const RangeInput& input, std::span<double> out) {
  return Compute(input, out, {.smoothed = false, .is_counter = false, .per_second = false});
}

Status SmoothedRate(const RangeInput& input, std::span<double> out) {
  return Compute(input, out, {.smoothed = true, .is_counter = true, .per_second = true});
}

Status SmoothedIncrease(const RangeInput& input, std::span<double> out) {
  return Compute(input, out, {.smoothed = true, .is_counter = true, .per_second = false});
}

Status SmoothedDelta(const RangeInput& input, std::span<double> out) {
  return Compute(input, out, {.smoothed = true, .is_counter = false, .per_second = false});
}

}  // namespace barograph::promql
