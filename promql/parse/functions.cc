#include "promql/parse/functions.h"

#include <algorithm>
#include <array>

namespace barograph::promql {
namespace {

constexpr ValueType kScalar = ValueType::kScalar;
constexpr ValueType kVector = ValueType::kVector;
constexpr ValueType kMatrix = ValueType::kMatrix;
constexpr ValueType kString = ValueType::kString;
constexpr bool kExperimental = true;

template <ValueType... kTypes>
struct ArgumentList {
  static constexpr std::array<ValueType, sizeof...(kTypes)> kList = {kTypes...};
};
template <ValueType... kTypes>
constexpr std::span<const ValueType> Args = ArgumentList<kTypes...>::kList;

constexpr FunctionSignature Make(std::string_view name, std::span<const ValueType> arguments,
                                 int variadic = 0, ValueType returns = kVector,
                                 bool experimental = false) {
  return {name, arguments, variadic, returns, experimental};
}

// In name order, for the binary search.
constexpr std::array kFunctions = {
    Make("abs", Args<kVector>),
    Make("absent", Args<kVector>),
    Make("absent_over_time", Args<kMatrix>),
    Make("acos", Args<kVector>),
    Make("acosh", Args<kVector>),
    Make("asin", Args<kVector>),
    Make("asinh", Args<kVector>),
    Make("atan", Args<kVector>),
    Make("atanh", Args<kVector>),
    Make("avg_over_time", Args<kMatrix>),
    Make("ceil", Args<kVector>),
    Make("changes", Args<kMatrix>),
    Make("clamp", Args<kVector, kScalar, kScalar>),
    Make("clamp_max", Args<kVector, kScalar>),
    Make("clamp_min", Args<kVector, kScalar>),
    Make("cos", Args<kVector>),
    Make("cosh", Args<kVector>),
    Make("count_over_time", Args<kMatrix>),
    Make("day_of_month", Args<kVector>, 1),
    Make("day_of_week", Args<kVector>, 1),
    Make("day_of_year", Args<kVector>, 1),
    Make("days_in_month", Args<kVector>, 1),
    Make("deg", Args<kVector>),
    Make("delta", Args<kMatrix>),
    Make("deriv", Args<kMatrix>),
    Make("double_exponential_smoothing", Args<kMatrix, kScalar, kScalar>, 0, kVector,
         kExperimental),
    Make("end", Args<>, 0, kScalar, kExperimental),
    Make("exp", Args<kVector>),
    Make("first_over_time", Args<kMatrix>),
    Make("floor", Args<kVector>),
    Make("histogram_avg", Args<kVector>),
    Make("histogram_count", Args<kVector>),
    Make("histogram_fraction", Args<kScalar, kScalar, kVector>),
    Make("histogram_quantile", Args<kScalar, kVector>),
    Make("histogram_quantiles", Args<kVector, kString, kScalar, kScalar>, 9, kVector,
         kExperimental),
    Make("histogram_stddev", Args<kVector>),
    Make("histogram_stdvar", Args<kVector>),
    Make("histogram_sum", Args<kVector>),
    Make("hour", Args<kVector>, 1),
    Make("idelta", Args<kMatrix>),
    Make("increase", Args<kMatrix>),
    Make("info", Args<kVector, kVector>, 1, kVector, kExperimental),
    Make("irate", Args<kMatrix>),
    Make("label_join", Args<kVector, kString, kString, kString>, -1),
    Make("label_replace", Args<kVector, kString, kString, kString, kString>),
    Make("last_over_time", Args<kMatrix>),
    Make("ln", Args<kVector>),
    Make("log10", Args<kVector>),
    Make("log2", Args<kVector>),
    Make("mad_over_time", Args<kMatrix>, 0, kVector, kExperimental),
    Make("max_of", Args<kScalar, kScalar>, 0, kScalar, kExperimental),
    Make("max_over_time", Args<kMatrix>),
    Make("min_of", Args<kScalar, kScalar>, 0, kScalar, kExperimental),
    Make("min_over_time", Args<kMatrix>),
    Make("minute", Args<kVector>, 1),
    Make("month", Args<kVector>, 1),
    Make("pi", Args<>, 0, kScalar),
    Make("predict_linear", Args<kMatrix, kScalar>),
    Make("present_over_time", Args<kMatrix>),
    Make("quantile_over_time", Args<kScalar, kMatrix>),
    Make("rad", Args<kVector>),
    Make("range", Args<>, 0, kScalar, kExperimental),
    Make("rate", Args<kMatrix>),
    Make("resets", Args<kMatrix>),
    Make("round", Args<kVector, kScalar>, 1),
    Make("scalar", Args<kVector>, 0, kScalar),
    Make("sgn", Args<kVector>),
    Make("sin", Args<kVector>),
    Make("sinh", Args<kVector>),
    Make("sort", Args<kVector>),
    Make("sort_by_label", Args<kVector, kString>, -1, kVector, kExperimental),
    Make("sort_by_label_desc", Args<kVector, kString>, -1, kVector, kExperimental),
    Make("sort_desc", Args<kVector>),
    Make("sqrt", Args<kVector>),
    Make("start", Args<>, 0, kScalar, kExperimental),
    Make("start_timestamp", Args<kVector>, 0, kVector, kExperimental),
    Make("stddev_over_time", Args<kMatrix>),
    Make("stdvar_over_time", Args<kMatrix>),
    Make("step", Args<>, 0, kScalar, kExperimental),
    Make("sum_over_time", Args<kMatrix>),
    Make("tan", Args<kVector>),
    Make("tanh", Args<kVector>),
    Make("time", Args<>, 0, kScalar),
    Make("timestamp", Args<kVector>),
    Make("ts_of_first_over_time", Args<kMatrix>, 0, kVector, kExperimental),
    Make("ts_of_last_over_time", Args<kMatrix>, 0, kVector, kExperimental),
    Make("ts_of_max_over_time", Args<kMatrix>, 0, kVector, kExperimental),
    Make("ts_of_min_over_time", Args<kMatrix>, 0, kVector, kExperimental),
    Make("vector", Args<kScalar>),
    Make("year", Args<kVector>, 1),
};
static_assert(std::ranges::is_sorted(kFunctions, {}, &FunctionSignature::name));

}  // namespace

const FunctionSignature* FindFunction(std::string_view name) {
  auto found = std::ranges::lower_bound(kFunctions, name, {}, &FunctionSignature::name);
  return found != kFunctions.end() && found->name == name ? &*found : nullptr;
}

std::span<const FunctionSignature> AllFunctions() { return kFunctions; }

}  // namespace barograph::promql
