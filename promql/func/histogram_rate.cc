#include <algorithm>

#include "base/model/histogram_arithmetic.h"
#include "promql/func/extrapolation.h"
#include "promql/func/mixed_range.h"

/// rate, increase, delta and their instant forms over native histograms (promql/functions.go,
/// histogramRate).
namespace barograph::promql {
namespace {

bool IsGauge(const FloatHistogram& histogram) {
  return histogram.counter_reset_hint == CounterResetHint::kGauge;
}

// What a series of histograms, at least two, grew by from the first to the last.
class Increase {
 public:
  Increase(const MixedWindow& window, bool is_counter)
      : window_(window),
        is_counter_(is_counter),
        first_(window.histograms.front()),
        last_(*window.histograms.back()) {}

  // Nothing where exponential and custom buckets meet.
  std::optional<FloatHistogram> Compute() {
    if (is_counter_ && (IsGauge(*first_) || IsGauge(last_))) NotCounter();
    SkipFirstBeforeReset();
    if (last_.uses_custom_buckets() != first_->uses_custom_buckets() || !CheckBetween()) {
      return MixedSchemas();
    }
    FloatHistogram increase = last_;
    CoarsenHistogram(increase, schema_);
    const auto merged = SubtractHistogram(increase, *first_);
    if (!merged.has_value()) return MixedSchemas();
    if (merged->bounds_reconciled) annotations().BoundsReconciled("subtraction", window_.position);
    if (is_counter_ && !AddResets(increase)) return MixedSchemas();
    if (!is_counter_ && !(IsGauge(*window_.histograms.front()) && IsGauge(last_))) {
      annotations().HistogramNotGauge(window_.metric, window_.position);
    }
    increase.counter_reset_hint = CounterResetHint::kGauge;
    increase.Compact(0);
    return increase;
  }

 private:
  Annotator& annotations() { return *window_.annotations; }
  void NotCounter() { annotations().HistogramNotCounter(window_.metric, window_.position); }
  std::optional<FloatHistogram> MixedSchemas() {
    annotations().MixedSchemas(window_.metric, window_.position);
    return std::nullopt;
  }

  // After a reset right at the start the first histogram does not count, nor does its layout.
  void SkipFirstBeforeReset() {
    const FloatHistogram& second = *window_.histograms[1];
    if (!is_counter_ || !IsCounterReset(second, *first_)) return;
    nothing_.schema = second.schema;
    nothing_.custom_values = second.custom_values;
    first_ = &nothing_;
  }

  bool CheckBetween() {
    schema_ = std::min(last_.schema, first_->schema);
    if (!is_counter_) return true;
    for (const FloatHistogram* histogram :
         window_.histograms.subspan(1, window_.histograms.size() - 2)) {
      if (IsGauge(*histogram)) NotCounter();
      schema_ = std::min(schema_, histogram->schema);
      if (histogram->uses_custom_buckets() != first_->uses_custom_buckets()) return false;
    }
    return true;
  }

  bool AddResets(FloatHistogram& increase) {
    const FloatHistogram* before = first_;
    for (const FloatHistogram* histogram : window_.histograms.subspan(1)) {
      if (IsCounterReset(*histogram, *before)) {
        const auto merged = AddHistogram(increase, *before);
        if (!merged.has_value()) return false;
        if (merged->bounds_reconciled) annotations().BoundsReconciled("addition", window_.position);
      }
      before = histogram;
    }
    return true;
  }

  const MixedWindow& window_;
  bool is_counter_;
  const FloatHistogram* first_;
  const FloatHistogram& last_;
  FloatHistogram nothing_;
  int32_t schema_ = 0;
};

std::optional<MixedResult> ExtrapolatedRate(const MixedWindow& window, RateKind kind) {
  if (window.IsMixed() || window.size() < 2) return MixedResult{};
  auto increase = Increase(window, kind.is_counter).Compute();
  if (!increase.has_value()) return MixedResult{};
  const RateGeometry geometry = GeometryOf(window.timestamps, window.end_ms, window.range_ms);
  const double first = window.histograms.front()->count;
  const double range_seconds = static_cast<double>(window.range_ms) / 1000;
  ScaleHistogram(*increase,
                 ExtrapolationFactor(geometry, first, increase->count, kind, range_seconds));
  return MixedResult{kNormalNan, std::make_shared<const FloatHistogram>(std::move(*increase))};
}

void CheckHints(const MixedWindow& window, const FloatHistogram& before, const FloatHistogram& now,
                bool is_rate) {
  const bool any_gauge = IsGauge(before) || IsGauge(now);
  const bool all_gauge = IsGauge(before) && IsGauge(now);
  if (is_rate && any_gauge) {
    window.annotations->HistogramNotCounter(window.metric, window.position);
  }
  if (!is_rate && !all_gauge) {
    window.annotations->HistogramNotGauge(window.metric, window.position);
  }
}

std::optional<MixedResult> FromLastTwo(const MixedWindow& window, bool is_rate) {
  if (window.size() < 2) return MixedResult{};
  const size_t last = window.size() - 1;
  const FloatHistogram* before = window.histograms[last - 1];
  const FloatHistogram* now = window.histograms[last];
  if (before == nullptr && now == nullptr) return std::nullopt;
  if (before == nullptr || now == nullptr) {
    window.annotations->MixedFloatsHistograms(window.metric, window.position);
    return MixedResult{};
  }
  CheckHints(window, *before, *now, is_rate);
  FloatHistogram result = *now;
  if (!is_rate || !IsCounterReset(*now, *before)) {
    const auto merged = SubtractHistogram(result, *before);
    if (!merged.has_value()) {
      window.annotations->MixedSchemas(window.metric, window.position);
      return MixedResult{};
    }
    if (merged->bounds_reconciled) {
      window.annotations->BoundsReconciled("subtraction", window.position);
    }
  }
  result.counter_reset_hint = CounterResetHint::kGauge;
  if (is_rate) {
    DivideHistogram(result, SecondsBetween(window.timestamps[last - 1], window.timestamps[last]));
  }
  return MakeHistogramResult(std::move(result));
}

}  // namespace

std::optional<MixedResult> MixedRate(const MixedWindow& window) {
  return ExtrapolatedRate(window, {.is_counter = true, .per_second = true});
}

std::optional<MixedResult> MixedIncrease(const MixedWindow& window) {
  return ExtrapolatedRate(window, {.is_counter = true, .per_second = false});
}

std::optional<MixedResult> MixedDelta(const MixedWindow& window) {
  return ExtrapolatedRate(window, {.is_counter = false, .per_second = false});
}

std::optional<MixedResult> MixedInstantRate(const MixedWindow& window) {
  return FromLastTwo(window, true);
}

std::optional<MixedResult> MixedInstantDelta(const MixedWindow& window) {
  return FromLastTwo(window, false);
}

}  // namespace barograph::promql
