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
  return !IsCounterReset(now, before);
}

}  // namespace

void HintCounterResets(std::span<FloatHistogram* const> series) {
  const FloatHistogram* before = nullptr;
  for (FloatHistogram* const histogram : series) {
    const bool gauge =
        histogram != nullptr && histogram->counter_reset_hint == CounterResetHint::kGauge;
    if (histogram != nullptr && !gauge) {
      histogram->counter_reset_hint = CounterResetHint::kUnknown;
      if (before != nullptr && Continues(*before, *histogram)) {
        histogram->counter_reset_hint = CounterResetHint::kNotReset;
      }
    }
    before = gauge ? nullptr : histogram;
  }
}

}  // namespace barograph::tsdb
