#include "promql/func/range_function.h"

#include <algorithm>
#include <string>

namespace barograph::promql {
namespace {

constexpr HistogramUse kCounted = HistogramUse::kCounted;
constexpr HistogramUse kNeeded = HistogramUse::kNeeded;

// In name order, for the binary search.
constexpr RangeFunction kFunctions[] = {
    {.name = "absent_over_time", .kernel = PresentOverTime, .histograms = kCounted},
    {.name = "avg_over_time", .kernel = AvgOverTime, .histograms = kNeeded},
    {.name = "changes", .kernel = Changes, .histograms = kNeeded, .anchored = AnchoredChanges},
    {.name = "count_over_time", .kernel = CountOverTime, .histograms = kCounted},
    {.name = "delta",
     .kernel = Delta,
     .histograms = kNeeded,
     .anchored = AnchoredDelta,
     .smoothed = SmoothedDelta},
    {.name = "deriv", .kernel = Deriv},
    {.name = "double_exponential_smoothing",
     .kernel = DoubleExponentialSmoothing,
     .whole_windows = true},
    {.name = "first_over_time", .kernel = FirstOverTime, .histograms = kNeeded, .keeps_name = true},
    {.name = "idelta", .kernel = InstantDelta, .histograms = kNeeded},
    {.name = "increase",
     .kernel = Increase,
     .histograms = kNeeded,
     .is_counter = true,
     .anchored = AnchoredIncrease,
     .smoothed = SmoothedIncrease},
    {.name = "irate", .kernel = InstantRate, .histograms = kNeeded},
    {.name = "last_over_time", .kernel = LastOverTime, .histograms = kNeeded, .keeps_name = true},
    {.name = "mad_over_time", .kernel = MadOverTime},
    {.name = "max_over_time", .kernel = MaxOverTime},
    {.name = "min_over_time", .kernel = MinOverTime},
    {.name = "predict_linear", .kernel = PredictLinear},
    {.name = "present_over_time", .kernel = PresentOverTime, .histograms = kCounted},
    {.name = "quantile_over_time", .kernel = QuantileOverTime},
    {.name = "rate",
     .kernel = Rate,
     .histograms = kNeeded,
     .is_counter = true,
     .anchored = AnchoredRate,
     .smoothed = SmoothedRate},
    {.name = "resets", .kernel = Resets, .histograms = kNeeded, .anchored = AnchoredResets},
    {.name = "stddev_over_time", .kernel = StddevOverTime},
    {.name = "stdvar_over_time", .kernel = StdvarOverTime},
    {.name = "sum_over_time", .kernel = SumOverTime, .histograms = kNeeded},
    {.name = "ts_of_first_over_time", .kernel = TimeOfFirstOverTime, .histograms = kCounted},
    {.name = "ts_of_last_over_time", .kernel = TimeOfLastOverTime, .histograms = kCounted},
    {.name = "ts_of_max_over_time", .kernel = TimeOfMaxOverTime},
    {.name = "ts_of_min_over_time", .kernel = TimeOfMinOverTime},
};

}  // namespace

const RangeFunction* FindRangeFunction(std::string_view name) {
  const auto* found = std::ranges::lower_bound(kFunctions, name, {}, &RangeFunction::name);
  return found != std::end(kFunctions) && found->name == name ? found : nullptr;
}

std::string NamesWithModifier(bool smoothed) {
  std::string names;
  for (const RangeFunction& function : kFunctions) {
    if ((smoothed ? function.smoothed : function.anchored) == nullptr) continue;
    if (!names.empty()) names += ", ";
    names += function.name;
  }
  return names;
}

}  // namespace barograph::promql
