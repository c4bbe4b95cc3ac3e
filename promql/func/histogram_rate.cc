#include <algorithm>

#include "base/model/histogram_arithmetic.h"
#include "promql/func/extrapolation.h"
#include "promql/func/histogram_interpolation.h"
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

  // Nothing where exponential and custom buckets meet. Of what else there is to tell of such a
  // window Prometheus only tells what its ends say.
  std::optional<FloatHistogram> Compute() {
    if (is_counter_ && (IsGauge(*first_) || IsGauge(last_))) NotCounter();
    SkipFirstBeforeReset();
    if (last_.uses_custom_buckets() != first_->uses_custom_buckets()) {
      window_.annotations->Merge(notes_);
      return MixedSchemas();
    }
    if (!CheckBetween()) return MixedSchemas();
    FloatHistogram increase = last_;
    CoarsenHistogram(increase, schema_);
    const auto merged = SubtractHistogram(increase, *first_);
    if (!merged.has_value()) return MixedSchemas();
    if (merged->bounds_reconciled) notes_.BoundsReconciled("subtraction", window_.position);
    if (is_counter_ && !AddResets(increase)) return MixedSchemas();
    if (!is_counter_ && !(IsGauge(*window_.histograms.front()) && IsGauge(last_))) {
      notes_.HistogramNotGauge(window_.metric, window_.position);
    }
    window_.annotations->Merge(notes_);
    increase.counter_reset_hint = CounterResetHint::kGauge;
    increase.Compact(0);
    return increase;
  }

 private:
  void NotCounter() { notes_.HistogramNotCounter(window_.metric, window_.position); }
  std::optional<FloatHistogram> MixedSchemas() {
    window_.annotations->MixedSchemas(window_.metric, window_.position);
    return std::nullopt;
  }

  // After a reset right at the start the first histogram does not count, nor does its layout.
  void SkipFirstBeforeReset() {
    const FloatHistogram& second = *window_.histograms[1];
    if (!is_counter_ || !IsReset(1, *first_)) return;
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

  // `before` stands for the sample before the i-th.
  bool IsReset(size_t i, const FloatHistogram& before) const {
    return window_.started().IsResetAt(i) || IsCounterReset(*window_.histograms[i], before);
  }

  bool AddResets(FloatHistogram& increase) {
    if (OverlapSearch(window_.started()).In({0, static_cast<uint32_t>(window_.size())})) {
      notes_.StartOverlaps(window_.metric, 1, window_.position);
    }
    const FloatHistogram* before = first_;
    for (size_t i = 1; i < window_.size(); ++i) {
      if (IsReset(i, *before)) {
        const auto merged = AddHistogram(increase, *before);
        if (!merged.has_value()) return false;
        if (merged->bounds_reconciled) notes_.BoundsReconciled("addition", window_.position);
      }
      before = window_.histograms[i];
    }
    return true;
  }

  const MixedWindow& window_;
  bool is_counter_;
  const FloatHistogram* first_;
  const FloatHistogram& last_;
  FloatHistogram nothing_;
  int32_t schema_ = 0;
  Annotator notes_;
};

double RangeSeconds(const MixedWindow& window) {
  return static_cast<double>(window.range_ms) / 1000;
}

MixedResult RateOf(FloatHistogram increase, double factor) {
  ScaleHistogram(increase, factor);
  return {kNormalNan, std::make_shared<const FloatHistogram>(std::move(increase))};
}

// Where the first sample began within the range, so that there was nothing before it.
MixedResult RateFromStart(const MixedWindow& window, RateKind kind) {
  FloatHistogram increase = *window.histograms.front();
  if (window.size() > 1) {
    auto between = Increase(window, kind.is_counter).Compute();
    if (!between.has_value()) return {};
    increase = std::move(*between);
    const HistogramReport report{*window.annotations, window.metric, window.position};
    if (!AddReporting(increase, *window.histograms.front(), report)) return {};
  }
  const RateGeometry geometry =
      GeometryFromStart(window.timestamps, window.starts.front(), window.end_ms);
  return RateOf(std::move(increase),
                FactorOf(geometry, geometry.to_start, kind, RangeSeconds(window)));
}

std::optional<MixedResult> ExtrapolatedRate(const MixedWindow& window, RateKind kind) {
  if (window.IsMixed()) return MixedResult{};
  const StartedSamples started = window.started();
  if (!started.empty() && BeganInRange(started[0], window.start())) {
    return RateFromStart(window, kind);
  }
  if (window.size() < 2) return MixedResult{};
  auto increase = Increase(window, kind.is_counter).Compute();
  if (!increase.has_value()) return MixedResult{};
  const RateGeometry geometry = GeometryOf(window.timestamps, window.end_ms, window.range_ms);
  const double factor = ExtrapolationFactor(geometry, window.histograms.front()->count,
                                            increase->count, kind, RangeSeconds(window));
  return RateOf(std::move(*increase), factor);
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
  const bool is_reset =
      is_rate && (window.started().IsResetAt(last) || IsCounterReset(*now, *before));
  if (!is_reset) {
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
