#include "tsdb/chunk/histogram_hints.h"

#include <algorithm>

#include "base/model/histogram_arithmetic.h"
#include "base/model/sample.h"

namespace barograph::tsdb {
namespace {

bool Grew(const std::vector<double>& before, const std::vector<double>& now) {
  return std::ranges::equal(before, now, [](double a, double b) { return a <= b; });
}

// Whether `now` goes on from `before`, of which both are counters.
bool Continues(const FloatHistogram& before, const FloatHistogram& now) {
  if (IsStale(before.sum) || before.schema != now.schema ||
      before.zero_threshold != now.zero_threshold || before.custom_values != now.custom_values) {
    return false;
  }
  const bool same_layout =
      before.positive_spans == now.positive_spans && before.negative_spans == now.negative_spans;
  if (same_layout && before.count <= now.count && before.zero_count <= now.zero_count &&
      Grew(before.positive_buckets, now.positive_buckets) &&
      Grew(before.negative_buckets, now.negative_buckets)) {
    return true;
  }
  FloatHistogram unhinted = now;
  unhinted.counter_reset_hint = CounterResetHint::kUnknown;
  return !IsCounterReset(unhinted, before);
}

}  // namespace

CounterResetHint HintAfter(const FloatHistogram* before, const FloatHistogram& histogram) {
  constexpr auto kGauge = CounterResetHint::kGauge;
  if (histogram.counter_reset_hint == kGauge) return kGauge;
  if (before == nullptr || before->counter_reset_hint == kGauge) return CounterResetHint::kUnknown;
  return Continues(*before, histogram) ? CounterResetHint::kNotReset : CounterResetHint::kUnknown;
}

void HintCounterResets(std::span<FloatHistogram* const> series) {
  for (size_t i = 1; i < series.size(); ++i) {
    if (series[i] != nullptr) {
      series[i]->counter_reset_hint = HintAfter(series[i - 1], *series[i]);
    }
  }
}

}  // namespace barograph::tsdb
