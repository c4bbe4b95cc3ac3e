#include <algorithm>

#include "base/model/histogram_arithmetic.h"
#include "promql/func/extrapolation.h"
#include "promql/func/histogram_interpolation.h"
#include "promql/func/mixed_range.h"

/// rate, increase and delta with the anchored and smoothed modifiers over native histograms: from
/// the samples at or next to the ends of the range, without extrapolation (promql/functions.go,
/// extendedHistogramRate).
namespace barograph::promql {
namespace {

class ExtendedHistogramRate {
 public:
  ExtendedHistogramRate(const MixedWindow& window, bool smoothed, RateKind kind)
      : window_(window), smoothed_(smoothed), kind_(kind) {}

  MixedResult Compute() {
    FindReach();
    if (time(last_) <= window_.start()) return {};
    if (smoothed_ && time(first_) > window_.end()) return {};
    if (!CheckReach()) return {};
    const auto left = LeftValue();
    const auto right = RightValue();
    if (!left.has_value() || !right.has_value()) return {};
    if (!kind_.is_counter && !(IsGauge(*left) && IsGauge(*right))) {
      window_.annotations->HistogramNotGauge(window_.metric, window_.position);
    }
    FloatHistogram result = *right;
    if (!SubtractReporting(result, *left, report())) return {};
    if (kind_.is_counter && !AddResets(*left, *right, result)) return {};
    if (kind_.per_second) DivideHistogram(result, static_cast<double>(window_.range_ms) / 1000);
    result.counter_reset_hint = CounterResetHint::kGauge;
    return MakeHistogramResult(std::move(result));
  }

 private:
  Timestamp time(size_t i) const { return window_.timestamps[i]; }
  const FloatHistogram& histogram(size_t i) const { return *window_.histograms[i]; }
  static bool IsGauge(const FloatHistogram& histogram) {
    return histogram.counter_reset_hint == CounterResetHint::kGauge;
  }

  void FindReach() {
    const auto begin = window_.timestamps.begin();
    const auto last = window_.timestamps.end() - 1;
    const auto inside = static_cast<size_t>(std::upper_bound(begin, last, window_.start()) - begin);
    first_ = inside == 0 ? 0 : inside - 1;
    last_ = window_.size() - 1;
    if (smoothed_) {
      last_ = static_cast<size_t>(std::lower_bound(begin, last, window_.end()) - begin);
    }
  }

  bool CheckReach() {
    for (size_t i = first_; i <= last_; ++i) {
      if (histogram(i).uses_custom_buckets() != histogram(first_).uses_custom_buckets()) {
        return MixedSchemas();
      }
      if (kind_.is_counter && IsGauge(histogram(i))) {
        window_.annotations->HistogramNotCounter(window_.metric, window_.position);
      }
    }
    return true;
  }

  bool MixedSchemas() {
    window_.annotations->MixedSchemas(window_.metric, window_.position);
    return false;
  }

  HistogramReport report() const {
    return {*window_.annotations, window_.metric, window_.position};
  }
  bool Add(FloatHistogram& to, const FloatHistogram& other) const {
    return AddReporting(to, other, report());
  }

  std::optional<FloatHistogram> LeftValue() {
    if (!smoothed_ || time(first_) >= window_.start()) return histogram(first_);
    return Interpolate(first_, window_.start());
  }

  std::optional<FloatHistogram> RightValue() {
    if (!smoothed_ || last_ == 0 || time(last_) <= window_.end()) return histogram(last_);
    return Interpolate(last_ - 1, window_.end());
  }

  // Between sample i and the next.
  std::optional<FloatHistogram> Interpolate(size_t i, Timestamp at) {
    return InterpolateHistograms({time(i), histogram(i)}, {time(i + 1), histogram(i + 1)}, at,
                                 kind_.is_counter, report());
  }

  // What the resets strictly inside the range took away.
  bool AddResets(const FloatHistogram& left, const FloatHistogram& right, FloatHistogram& result) {
    size_t next = first_ + 1;
    const FloatHistogram* before = &left;
    if (smoothed_ && time(first_) < window_.start() &&
        IsCounterReset(histogram(first_ + 1), histogram(first_))) {
      before = &histogram(first_ + 1);
      ++next;
    }
    if (next > last_) return true;
    std::optional<FloatHistogram> lost;
    const auto lose = [&](const FloatHistogram& now) {
      if (!IsCounterReset(now, *before)) return true;
      if (lost.has_value()) return Add(*lost, *before);
      lost = *before;
      return true;
    };
    for (; next < last_; ++next) {
      if (!lose(histogram(next))) return false;
      before = &histogram(next);
    }
    if (!lose(right)) return false;
    return !lost.has_value() || Add(result, *lost);
  }

  const MixedWindow& window_;
  bool smoothed_;
  RateKind kind_;
  size_t first_ = 0;
  size_t last_ = 0;
};

std::optional<MixedResult> Compute(const MixedWindow& window, bool smoothed, RateKind kind) {
  if (window.IsMixed()) return MixedResult{};
  return ExtendedHistogramRate(window, smoothed, kind).Compute();
}

}  // namespace

std::optional<MixedResult> MixedAnchoredRate(const MixedWindow& window) {
  return Compute(window, false, {.is_counter = true, .per_second = true});
}

std::optional<MixedResult> MixedAnchoredIncrease(const MixedWindow& window) {
  return Compute(window, false, {.is_counter = true, .per_second = false});
}

std::optional<MixedResult> MixedAnchoredDelta(const MixedWindow& window) {
  return Compute(window, false, {.is_counter = false, .per_second = false});
}

std::optional<MixedResult> MixedSmoothedRate(const MixedWindow& window) {
  return Compute(window, true, {.is_counter = true, .per_second = true});
}

std::optional<MixedResult> MixedSmoothedIncrease(const MixedWindow& window) {
  return Compute(window, true, {.is_counter = true, .per_second = false});
}

std::optional<MixedResult> MixedSmoothedDelta(const MixedWindow& window) {
  return Compute(window, true, {.is_counter = false, .per_second = false});
}

}  // namespace barograph::promql
