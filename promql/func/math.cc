#include "promql/func/math.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numbers>

#include "promql/exec/column.h"

namespace barograph::promql {
namespace {

template <double (*kFunction)(double)>
void Apply(std::span<double> values, const StepArguments&) {
  for (double& value : values) value = IsAbsent(value) ? kAbsent : kFunction(value);
}

double Abs(double v) { return std::fabs(v); }
double Ceil(double v) { return std::ceil(v); }
double Floor(double v) { return std::floor(v); }
double Exp(double v) { return std::exp(v); }
double Sqrt(double v) { return std::sqrt(v); }
double Ln(double v) { return std::log(v); }
double Log2(double v) { return std::log2(v); }
double Log10(double v) { return std::log10(v); }
double Sin(double v) { return std::sin(v); }
double Cos(double v) { return std::cos(v); }
double Tan(double v) { return std::tan(v); }
double Asin(double v) { return std::asin(v); }
double Acos(double v) { return std::acos(v); }
double Atan(double v) { return std::atan(v); }
double Sinh(double v) { return std::sinh(v); }
double Cosh(double v) { return std::cosh(v); }
double Tanh(double v) { return std::tanh(v); }
double Asinh(double v) { return std::asinh(v); }
double Acosh(double v) { return std::acosh(v); }
double Atanh(double v) { return std::atanh(v); }
double Rad(double v) { return v * std::numbers::pi / 180; }
double Deg(double v) { return v * 180 / std::numbers::pi; }

double Sgn(double v) {
  if (v < 0) return -1;
  return v > 0 ? 1 : v;
}

void Round(std::span<double> values, const StepArguments& arguments) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (IsAbsent(values[i])) continue;
    const double nearest = arguments.scalars[0].empty() ? 1 : arguments.scalars[0][i];
    const double inverse = 1.0 / nearest;
    values[i] = std::floor(values[i] * inverse + 0.5) / inverse;
  }
}

double ClampValue(double value, double low, double high) {
  return high < low ? kAbsent : GoMax(low, GoMin(high, value));
}

void Clamp(std::span<double> values, const StepArguments& arguments) {
  const auto& [low, high] = arguments.scalars;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!IsAbsent(values[i])) values[i] = ClampValue(values[i], low[i], high[i]);
  }
}

void ClampMax(std::span<double> values, const StepArguments& arguments) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (!IsAbsent(values[i])) values[i] = ClampValue(values[i], -kInf, arguments.scalars[0][i]);
  }
}

void ClampMin(std::span<double> values, const StepArguments& arguments) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (!IsAbsent(values[i])) values[i] = ClampValue(values[i], arguments.scalars[0][i], kInf);
  }
}

void EvaluationTimes(std::span<double> values, const StepArguments& arguments) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (!IsAbsent(values[i])) values[i] = static_cast<double>(arguments.grid.at(i)) / 1000;
  }
}

constexpr int64_t kSecondsPerDay = 86400;

// A moment in UTC, from seconds since the epoch.
struct Moment {
  std::chrono::sys_days day;
  int64_t second_of_day;
  std::chrono::year_month_day date() const { return std::chrono::year_month_day(day); }
};

// Dates beyond about 90,000 years from now, where calendars of this library end, are clamped.
Moment MomentOf(double value) {
  constexpr double kLimit = 9e11;
  const double bounded = std::isnan(value) ? 0 : std::clamp(value, -kLimit, kLimit);
  const auto seconds = static_cast<int64_t>(bounded);
  int64_t day = seconds / kSecondsPerDay;
  int64_t rest = seconds % kSecondsPerDay;
  if (rest < 0) {
    --day;
    rest += kSecondsPerDay;
  }
  return {std::chrono::sys_days(std::chrono::days(day)), rest};
}

double Minute(double v) { return static_cast<double>(MomentOf(v).second_of_day / 60 % 60); }
double Hour(double v) {
  const auto hour = MomentOf(v).second_of_day / 3600;
  return static_cast<double>(hour);
}
double DayOfMonth(double v) { return static_cast<unsigned>(MomentOf(v).date().day()); }
double Month(double v) { return static_cast<unsigned>(MomentOf(v).date().month()); }
double Year(double v) { return static_cast<int>(MomentOf(v).date().year()); }
double DayOfWeek(double v) { return std::chrono::weekday(MomentOf(v).day).c_encoding(); }

double DayOfYear(double v) {
  const Moment moment = MomentOf(v);
  const std::chrono::sys_days new_year{moment.date().year() / std::chrono::January / 1};
  return static_cast<double>((moment.day - new_year).count() + 1);
}

double DaysInMonth(double v) {
  const auto date = MomentOf(v).date();
  return static_cast<unsigned>((date.year() / date.month() / std::chrono::last).day());
}

// In name order, for the binary search.
constexpr MapFunction kFunctions[] = {
    {"abs", Apply<Abs>},
    {"acos", Apply<Acos>},
    {"acosh", Apply<Acosh>},
    {"asin", Apply<Asin>},
    {"asinh", Apply<Asinh>},
    {"atan", Apply<Atan>},
    {"atanh", Apply<Atanh>},
    {"ceil", Apply<Ceil>},
    {"clamp", Clamp},
    {"clamp_max", ClampMax},
    {"clamp_min", ClampMin},
    {"cos", Apply<Cos>},
    {"cosh", Apply<Cosh>},
    {"day_of_month", Apply<DayOfMonth>},
    {"day_of_week", Apply<DayOfWeek>},
    {"day_of_year", Apply<DayOfYear>},
    {"days_in_month", Apply<DaysInMonth>},
    {"deg", Apply<Deg>},
    {"exp", Apply<Exp>},
    {"floor", Apply<Floor>},
    {"hour", Apply<Hour>},
    {"ln", Apply<Ln>},
    {"log10", Apply<Log10>},
    {"log2", Apply<Log2>},
    {"minute", Apply<Minute>},
    {"month", Apply<Month>},
    {"rad", Apply<Rad>},
    {"round", Round},
    {"sgn", Apply<Sgn>},
    {"sin", Apply<Sin>},
    {"sinh", Apply<Sinh>},
    {"sqrt", Apply<Sqrt>},
    {"tan", Apply<Tan>},
    {"tanh", Apply<Tanh>},
    {"timestamp", EvaluationTimes, true},
    {"year", Apply<Year>},
};

}  // namespace

const MapFunction* FindMapFunction(std::string_view name) {
  const auto* found = std::ranges::lower_bound(kFunctions, name, {}, &MapFunction::name);
  return found != std::end(kFunctions) && found->name == name ? found : nullptr;
}

bool IsDateFunction(std::string_view name) {
  return name.starts_with("day") || name == "hour" || name == "minute" || name == "month" ||
         name == "year";
}

double GoMax(double a, double b) {
  if (a == kInf || b == kInf) return kInf;
  if (std::isnan(a) || std::isnan(b)) return kNormalNan;
  if (a == 0 && b == 0) return std::signbit(a) ? b : a;
  return a > b ? a : b;
}

double GoMin(double a, double b) {
  if (a == -kInf || b == -kInf) return -kInf;
  if (std::isnan(a) || std::isnan(b)) return kNormalNan;
  if (a == 0 && b == 0) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}

}  // namespace barograph::promql
