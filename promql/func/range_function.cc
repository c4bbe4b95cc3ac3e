#include "promql/func/range_function.h"

#include <algorithm>
#include <string>

namespace barograph::promql {
namespace {

constexpr bool kUsesStarts = true;

// In name order, for the binary search.
constexpr RangeFunction kFunctions[] = {
    {.name = "absent_over_time", .kernels = {PresentOverTime}, .counts_histograms = true},
    {.name = "avg_over_time", .kernels = {AvgOverTime, MixedAvgOverTime}},
    {.name = "changes",
     .kernels = {Changes, MixedChanges},
     .anchored = {AnchoredChanges, MixedAnchoredChanges}},
    {.name = "count_over_time", .kernels = {CountOverTime}, .counts_histograms = true},
    {.name = "delta",
     .kernels = {Delta, MixedDelta},
     .anchored = {AnchoredDelta, MixedAnchoredDelta},
     .smoothed = {SmoothedDelta, MixedSmoothedDelta}},
    {.name = "deriv", .kernels = {Deriv}},
    {.name = "double_exponential_smoothing",
     .kernels = {DoubleExponentialSmoothing},
     .whole_windows = true},
    {.name = "first_over_time", .kernels = {FirstOverTime, MixedFirstOverTime}, .keeps_name = true},
    {.name = "idelta", .kernels = {InstantDelta, MixedInstantDelta}},
    {.name = "increase",
     .kernels = {Increase, MixedIncrease, kUsesStarts},
     .is_counter = true,
     .anchored = {AnchoredIncrease, MixedAnchoredIncrease},
     .smoothed = {SmoothedIncrease, MixedSmoothedIncrease}},
    {.name = "irate", .kernels = {InstantRate, MixedInstantRate, kUsesStarts}},
    {.name = "last_over_time", .kernels = {LastOverTime, MixedLastOverTime}, .keeps_name = true},
    {.name = "mad_over_time", .kernels = {MadOverTime}},
    {.name = "max_over_time", .kernels = {MaxOverTime}},
    {.name = "min_over_time", .kernels = {MinOverTime}},
    {.name = "predict_linear", .kernels = {PredictLinear}},
    {.name = "present_over_time", .kernels = {PresentOverTime}, .counts_histograms = true},
    {.name = "quantile_over_time", .kernels = {QuantileOverTime}},
    {.name = "rate",
     .kernels = {Rate, MixedRate, kUsesStarts},
     .is_counter = true,
     .anchored = {AnchoredRate, MixedAnchoredRate},
     .smoothed = {SmoothedRate, MixedSmoothedRate}},
    {.name = "resets",
     .kernels = {Resets, MixedResets, kUsesStarts},
     .anchored = {AnchoredResets, MixedAnchoredResets, kUsesStarts}},
    {.name = "stddev_over_time", .kernels = {StddevOverTime}},
    {.name = "stdvar_over_time", .kernels = {StdvarOverTime}},
    {.name = "sum_over_time", .kernels = {SumOverTime, MixedSumOverTime}},
    {.name = "ts_of_first_over_time", .kernels = {TimeOfFirstOverTime}, .counts_histograms = true},
    {.name = "ts_of_last_over_time", .kernels = {TimeOfLastOverTime}, .counts_histograms = true},
    {.name = "ts_of_max_over_time", .kernels = {TimeOfMaxOverTime}},
    {.name = "ts_of_min_over_time", .kernels = {TimeOfMinOverTime}},
};

}  // namespace

const RangeFunction* FindRangeFunction(std::string_view name) {
  const auto* found = std::ranges::lower_bound(kFunctions, name, {}, &RangeFunction::name);
  return found != std::end(kFunctions) && found->name == name ? found : nullptr;
}

std::string NamesWithModifier(bool smoothed) {
  std::string names;
  for (const RangeFunction& function : kFunctions) {
    if (!(smoothed ? function.smoothed : function.anchored)) continue;
    if (!names.empty()) names += ", ";
    names += function.name;
  }
  return names;
}

}  // namespace barograph::promql
