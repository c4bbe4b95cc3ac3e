#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>

#include "base/model/number.h"
#include "base/model/regex.h"
#include "base/model/sample.h"
#include "promql/parse/functions.h"
#include "tests/promql/reference/classic_histogram.h"
#include "tests/promql/reference/evaluator.h"

// Functions of scalars and instant vectors.
namespace barograph::promql::reference {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

using Args = std::vector<double>;
using FloatFunction = double (*)(double value, const Args& args);

double RoundTo(double value, const Args& args) {
  const double inverse = 1 / (args.empty() ? 1 : args[0]);
  return std::floor(value * inverse + 0.5) / inverse;
}

double Sign(double value, const Args&) {
  if (value > 0) return 1;
  return value < 0 ? -1 : value;
}

// Functions of one element's float; elements with histograms go.
const std::map<std::string_view, FloatFunction>& FloatFunctions() {
  static const std::map<std::string_view, FloatFunction> kAll = {
      {"abs", [](double v, const Args&) { return std::abs(v); }},
      {"acos", [](double v, const Args&) { return std::acos(v); }},
      {"acosh", [](double v, const Args&) { return std::acosh(v); }},
      {"asin", [](double v, const Args&) { return std::asin(v); }},
      {"asinh", [](double v, const Args&) { return std::asinh(v); }},
      {"atan", [](double v, const Args&) { return std::atan(v); }},
      {"atanh", [](double v, const Args&) { return std::atanh(v); }},
      {"ceil", [](double v, const Args&) { return std::ceil(v); }},
      {"clamp", [](double v, const Args& a) { return Greatest(a[0], Least(a[1], v)); }},
      {"clamp_max", [](double v, const Args& a) { return Least(a[0], v); }},
      {"clamp_min", [](double v, const Args& a) { return Greatest(a[0], v); }},
      {"cos", [](double v, const Args&) { return std::cos(v); }},
      {"cosh", [](double v, const Args&) { return std::cosh(v); }},
      {"deg", [](double v, const Args&) { return v * 180 / std::numbers::pi; }},
      {"exp", [](double v, const Args&) { return std::exp(v); }},
      {"floor", [](double v, const Args&) { return std::floor(v); }},
      {"ln", [](double v, const Args&) { return std::log(v); }},
      {"log10", [](double v, const Args&) { return std::log10(v); }},
      {"log2", [](double v, const Args&) { return std::log2(v); }},
      {"rad", [](double v, const Args&) { return v * std::numbers::pi / 180; }},
      {"round", RoundTo},
      {"sgn", Sign},
      {"sin", [](double v, const Args&) { return std::sin(v); }},
      {"sinh", [](double v, const Args&) { return std::sinh(v); }},
      {"sqrt", [](double v, const Args&) { return std::sqrt(v); }},
      {"tan", [](double v, const Args&) { return std::tan(v); }},
      {"tanh", [](double v, const Args&) { return std::tanh(v); }},
  };
  return kAll;
}

using DateFunction = double (*)(std::chrono::sys_seconds time);

std::chrono::year_month_day DateOf(std::chrono::sys_seconds time) {
  return std::chrono::floor<std::chrono::days>(time);
}
int64_t SecondOfDay(std::chrono::sys_seconds time) {
  return (time - std::chrono::floor<std::chrono::days>(time)).count();
}
unsigned DaysInMonth(std::chrono::sys_seconds time) {
  const auto date = DateOf(time);
  return static_cast<unsigned>(
      std::chrono::year_month_day_last(date.year(), std::chrono::month_day_last(date.month()))
          .day());
}
double DayOfYear(std::chrono::sys_seconds time) {
  const std::chrono::sys_days new_year = DateOf(time).year() / 1 / 1;
  return static_cast<double>((std::chrono::floor<std::chrono::days>(time) - new_year).count() + 1);
}

const std::map<std::string_view, DateFunction>& DateFunctions() {
  using Time = std::chrono::sys_seconds;
  static const std::map<std::string_view, DateFunction> kAll = {
      {"day_of_month",
       [](Time t) { return static_cast<double>(static_cast<unsigned>(DateOf(t).day())); }},
      {"day_of_week",
       [](Time t) {
         const std::chrono::weekday day(std::chrono::floor<std::chrono::days>(t));
         return static_cast<double>(day.c_encoding());
       }},
      {"day_of_year", DayOfYear},
      {"days_in_month", [](Time t) { return static_cast<double>(DaysInMonth(t)); }},
      {"hour", [](Time t) { return static_cast<double>(SecondOfDay(t) / 3600); }},
      {"minute", [](Time t) { return static_cast<double>(SecondOfDay(t) / 60 % 60); }},
      {"month",
       [](Time t) { return static_cast<double>(static_cast<unsigned>(DateOf(t).month())); }},
      {"year", [](Time t) { return static_cast<double>(static_cast<int>(DateOf(t).year())); }},
  };
  return kAll;
}

const Expr& Unwrap(const Expr& expr) { return UnwrapParens(expr); }

// Whether an expression is the same at every step, and so is evaluated once.
bool IsPinned(const Expr& expr) {
  const auto is_pinned = [](const TimeModifiers& time) {
    return !std::holds_alternative<std::monostate>(time.at);
  };
  switch (expr.kind) {
    case ExprKind::kVectorSelector: return is_pinned(As<VectorSelector>(expr).time);
    case ExprKind::kMatrixSelector: return is_pinned(As<MatrixSelector>(expr).vector->time);
    case ExprKind::kSubquery:
      return is_pinned(As<SubqueryExpr>(expr).time) || IsPinned(*As<SubqueryExpr>(expr).expr);
    case ExprKind::kParen: return IsPinned(*As<ParenExpr>(expr).expr);
    case ExprKind::kUnary: return IsPinned(*As<UnaryExpr>(expr).expr);
    case ExprKind::kAggregate: {
      const auto& aggregate = As<AggregateExpr>(expr);
      return (aggregate.param == nullptr || IsPinned(*aggregate.param)) &&
             IsPinned(*aggregate.expr);
    }
    case ExprKind::kBinary:
      return IsPinned(*As<BinaryExpr>(expr).lhs) && IsPinned(*As<BinaryExpr>(expr).rhs);
    case ExprKind::kCall: {
      const auto& call = As<promql::Call>(expr);
      const std::string_view name = call.function->name;
      // Of a selector, timestamp() tells of samples. (Prometheus calls it anew at each step.)
      const bool is_time_of_others =
          name == "timestamp" && Unwrap(*call.args[0]).kind != ExprKind::kVectorSelector;
      const bool tells_time = name == "time" || is_time_of_others || name == "predict_linear" ||
                              (call.args.empty() && DateFunctions().contains(name));
      return !tells_time &&
             std::ranges::all_of(call.args, [](const ExprPtr& arg) { return IsPinned(*arg); });
    }
    default: return true;
  }
}

// Text with numbers in it, by their values: a2 before a10.
std::strong_ordering CompareNaturally(std::string_view a, std::string_view b) {
  const auto digits = [](std::string_view text) {
    return std::min(text.find_first_not_of("0123456789"), text.size());
  };
  while (!a.empty() && !b.empty()) {
    const size_t m = digits(a), n = digits(b);
    if (m > 0 && n > 0) {
      const auto x = std::stoull(std::string(a.substr(0, m))),
                 y = std::stoull(std::string(b.substr(0, n)));
      if (x != y) return x <=> y;
      a.remove_prefix(m);
      b.remove_prefix(n);
    } else {
      if (a[0] != b[0]) return a[0] <=> b[0];
      a.remove_prefix(1);
      b.remove_prefix(1);
    }
  }
  return a.size() <=> b.size();
}

void Sort(std::string_view function, const std::vector<std::string>& names, InstantVector& vector) {
  const bool down = function.ends_with("_desc");
  if (function == "sort" || function == "sort_desc") {
    std::erase_if(vector, [](const Sample& sample) { return sample.h != nullptr; });
    // Of several NaNs the last one comes first.
    InstantVector numbers, nans;
    for (const Sample& sample : vector) (std::isnan(sample.f) ? nans : numbers).push_back(sample);
    std::ranges::sort(
        numbers, [&](const Sample& a, const Sample& b) { return down ? a.f > b.f : a.f < b.f; });
    std::ranges::reverse(nans);
    vector = numbers;
    vector.insert(vector.end(), nans.begin(), nans.end());
    return;
  }
  std::ranges::sort(vector, [&](const Sample& a, const Sample& b) {
    for (const std::string& name : names) {
      const auto order = CompareNaturally(a.labels.Get(name), b.labels.Get(name));
      if (order != 0) return down ? order > 0 : order < 0;
    }
    return down ? a.labels > b.labels : a.labels < b.labels;
  });
}

// 1 as "1.0": the form of OpenMetrics.
std::string FormatQuantile(double q) {
  std::string text = FormatShortest(q);
  const bool whole = std::isfinite(q) && text.find_first_of(".e") == std::string::npos;
  return whole ? text + ".0" : text;
}

// The histograms in a vector: the native ones, and the classic ones put together from buckets.
struct Found {
  Labels labels;
  bool drop_name;
  HistogramPtr native;
  Classic classic;
};

}  // namespace

// The name is told only where it is still there when all is done.
static std::string ForMetric(const Evaluator& evaluator, const Labels& labels) {
  const std::string metric(labels.metric_name());
  if (!evaluator.options().delayed_name_removal || metric.empty()) return "";
  return fmt::format(" for metric name {}", Quote(metric));
}

static std::vector<Found> FindHistograms(Evaluator& evaluator, const Expr& arg,
                                         const InstantVector& input) {
  std::vector<Found> found;
  std::map<Labels, size_t> classic;
  for (const Sample& sample : input) {
    if (sample.h != nullptr) continue;
    const std::string le(sample.labels.Get("le"));
    const auto bound = ParseValue(le);
    if (!bound) {
      const std::string text =
          fmt::format("bucket label \"le\" is missing or has a malformed value of {}", Quote(le));
      evaluator.Warn(text + ForMetric(evaluator, sample.labels), arg);
      continue;
    }
    const Labels labels = SetLabel(sample.labels, "le", "");
    const auto [entry, is_new] = classic.try_emplace(labels, found.size());
    if (is_new) found.push_back({labels, sample.drop_name, nullptr, {}});
    found[entry->second].classic.push_back({*bound, sample.f});
  }
  for (const Sample& sample : input) {
    if (sample.h == nullptr) continue;
    const auto same = classic.find(sample.labels);
    if (same == classic.end()) {
      found.push_back({sample.labels, sample.drop_name, sample.h, {}});
      continue;
    }
    const std::string text = "vector contains a mix of classic and native histograms";
    evaluator.Warn(text + ForMetric(evaluator, sample.labels), arg);
    found[same->second].classic.clear();
  }
  std::erase_if(found, [](const Found& f) { return f.native == nullptr && f.classic.empty(); });
  return found;
}

static double QuantileOfFound(Evaluator& evaluator, const Expr& arg, double q, const Found& found) {
  if (found.native != nullptr) {
    const double value = Quantile(*found.native, q);
    if (std::isnan(found.native->sum) && found.native->count > 0 && q >= 0 && q <= 1) {
      double in_buckets = 0;
      for (const Stretch& bucket : AllBuckets(*found.native)) in_buckets += bucket.count;
      if (std::isnan(value)) {
        evaluator.Inform("input to histogram_quantile has NaN observations, result is NaN" +
                             ForMetric(evaluator, found.labels),
                         arg);
      } else if (in_buckets < found.native->count) {
        evaluator.Inform(
            "input to histogram_quantile has NaN observations, result is skewed higher" +
                ForMetric(evaluator, found.labels),
            arg);
      }
    }
    return value;
  }
  const auto [value, forced] = ClassicQuantile(q, found.classic);
  if (forced) {
    evaluator.Inform("input to histogram_quantile needed to be fixed for monotonicity" +
                         ForMetric(evaluator, found.labels),
                     arg);
  }
  return value;
}

static void CheckQuantile(Evaluator& evaluator, double q, const Expr& where) {
  if (q >= 0 && q <= 1) return;
  evaluator.Warn(fmt::format("quantile value should be between 0 and 1, got {}", FormatShortest(q)),
                 where);
}

// Scalars.

double Evaluator::ScalarCall(const promql::Call& call, int64_t ms) {
  const std::string_view name = call.function->name;
  if (name == "time") return static_cast<double>(ms) / 1000;
  if (name == "pi") return std::numbers::pi;
  if (name == "start") return ToSeconds(times_.start);
  if (name == "end") return ToSeconds(times_.end);
  if (name == "range") return ToSeconds(times_.end - times_.start);
  if (name == "step") return has_many_steps() ? ToSeconds(times_.step) : 0;
  if (name == "scalar") {
    std::vector<double> floats;
    for (const Sample& sample : VectorOf(*call.args[0], ms)) {
      if (sample.h == nullptr) floats.push_back(sample.f);
    }
    return floats.size() == 1 ? floats[0] : kNan;
  }
  const double a = ScalarOf(*call.args[0], ms), b = ScalarOf(*call.args[1], ms);
  return name == "min_of" ? Least(a, b) : Greatest(a, b);
}

AnyValue Evaluator::EvalCall(const promql::Call& call, int64_t ms) {
  if (call.function->returns == ValueType::kScalar) return ScalarCall(call, ms);
  const HistogramUse outer = use_;
  const std::string_view name = call.function->name;
  use_.totals |= name == "histogram_count" || name == "histogram_sum" || name == "histogram_avg";
  use_.buckets |= name.starts_with("histogram_quantile") || name == "histogram_fraction";
  InstantVector result = Call(call, ms);
  use_ = outer;
  return result;
}

InstantVector Evaluator::Call(const promql::Call& call, int64_t ms) {
  const std::string_view name = call.function->name;
  for (const ExprPtr& arg : call.args) {
    if (TypeOf(*arg) == ValueType::kMatrix) return RangeFunction(call, ms);
  }
  if (name == "vector") return {Nameless(ScalarOf(*call.args[0], ms))};
  if (name == "info") return Info(call, ms);
  if (name == "histogram_quantiles") return HistogramQuantiles(call, ms);

  InstantVector result;
  const auto give = [&](const Sample& sample, double value) {
    Sample made = sample;
    made.f = value;
    made.h = nullptr;
    DropName(made);
    result.push_back(made);
  };
  const auto finish = [&] {
    CheckUnique(result);
    return result;
  };
  const auto date = DateFunctions().find(name);
  if (date != DateFunctions().end() && call.args.empty()) {
    const auto time = std::chrono::floor<std::chrono::seconds>(FromMs(ms));
    return {Nameless(date->second(time))};
  }
  const bool of_starts = name == "start_timestamp";
  if ((name == "timestamp" || of_starts) &&
      Unwrap(*call.args[0]).kind == ExprKind::kVectorSelector) {
    if (of_starts && !options_.use_start_timestamps) return {};
    const auto& selector = As<VectorSelector>(Unwrap(*call.args[0]));
    // Of the samples themselves, be they smoothed or not.
    VectorSelector plain;
    plain.matchers = selector.matchers;
    plain.time.at = selector.time.at;
    plain.time.offset =
        Duration(DurationMs(selector.time.offset, selector.time.offset_expr.get(), true));
    for (const Sample& sample : Select(plain, ms)) {
      give(sample, static_cast<double>(of_starts ? sample.start_ms : sample.ms) / 1000);
    }
    return finish();
  }
  if (name == "histogram_quantile" || name == "histogram_fraction") {
    const Expr& arg = *call.args.back();
    const InstantVector input = VectorOf(arg, ms);
    const double first = ScalarOf(*call.args[0], ms);
    if (name == "histogram_quantile") CheckQuantile(*this, first, *call.args[0]);
    for (const Found& found : FindHistograms(*this, arg, input)) {
      const Sample like{found.labels, found.drop_name, 0, nullptr, 0, 0};
      if (name == "histogram_quantile") {
        give(like, QuantileOfFound(*this, arg, first, found));
        continue;
      }
      const double second = ScalarOf(*call.args[1], ms);
      if (found.native == nullptr) {
        give(like, ClassicFraction(first, second, found.classic));
        continue;
      }
      const double value = Fraction(*found.native, first, second);
      if (std::isnan(found.native->sum) && !std::isnan(value)) {
        double in_buckets = 0;
        for (const Stretch& bucket : AllBuckets(*found.native)) in_buckets += bucket.count;
        if (in_buckets < found.native->count && first < second) {
          Inform(
              "input to histogram_fraction has NaN observations, which are excluded from all "
              "fractions" +
                  ForMetric(*this, found.labels),
              arg);
        }
      }
      give(like, value);
    }
    return finish();
  }

  InstantVector input = VectorOf(*call.args[0], ms);
  if (of_starts) return {};  // what is computed has no start
  if (name == "timestamp") {
    for (const Sample& sample : input) give(sample, static_cast<double>(ms) / 1000);
    return finish();
  }
  if (name == "absent") {
    if (!input.empty()) return {};
    return {Nameless(1, AbsentLabels(*call.args[0]))};
  }
  if (name.starts_with("sort")) {
    if (has_many_steps() && !IsPinned(call)) {
      Warn("sort is ineffective for range queries since results are always ordered by labels",
           call);
    }
    std::vector<std::string> names;
    for (size_t i = 1; i < call.args.size(); ++i) names.push_back(StringOf(*call.args[i], ms));
    Sort(name, names, input);
    return input;
  }
  if (name.starts_with("histogram_")) {
    for (const Sample& sample : input) {
      if (sample.h == nullptr) continue;
      // Unlike others, these leave a series its type and unit.
      const Labels nameless = SetLabel(sample.labels, kMetricName, "");
      const bool keeps = !options_.delayed_name_removal && nameless != WithoutName(nameless);
      const Histogram& h = *sample.h;
      if (name == "histogram_count") give(sample, h.count);
      if (name == "histogram_sum") give(sample, h.sum);
      if (name == "histogram_avg") give(sample, h.sum / h.count);
      if (name == "histogram_stdvar") give(sample, Variance(h));
      if (name == "histogram_stddev") give(sample, std::sqrt(Variance(h)));
      if (keeps) result.back().labels = nameless;
    }
    return finish();
  }
  if (name == "label_replace") {
    const std::string to = StringOf(*call.args[1], ms), replacement = StringOf(*call.args[2], ms),
                      from = StringOf(*call.args[3], ms), pattern = StringOf(*call.args[4], ms);
    const auto regex = Regex::Compile(pattern);
    if (!regex) {
      throw QueryError("invalid regular expression in label_replace(): " + pattern);
    }
    if (!IsUtf8Name(to)) {
      throw QueryError("invalid destination label name in label_replace(): " + to);
    }
    for (Sample& sample : input) {
      const auto text = (*regex)->Expand(sample.labels.Get(from), replacement);
      if (!text) continue;
      sample.labels = SetLabel(sample.labels, to, *text);
      if (to == kMetricName) sample.drop_name = false;
    }
    CheckUnique(input, Names::kCount);
    return input;
  }
  if (name == "label_join") {
    const std::string to = StringOf(*call.args[1], ms), separator = StringOf(*call.args[2], ms);
    for (size_t i = 3; i < call.args.size(); ++i) {
      const std::string from = StringOf(*call.args[i], ms);
      if (!IsUtf8Name(from)) {
        throw QueryError("invalid source label name in label_join(): " + from);
      }
    }
    if (!IsUtf8Name(to)) {
      throw QueryError("invalid destination label name in label_join(): " + to);
    }
    for (Sample& sample : input) {
      std::string joined;
      for (size_t i = 3; i < call.args.size(); ++i) {
        if (i > 3) joined += separator;
        joined += sample.labels.Get(StringOf(*call.args[i], ms));
      }
      sample.labels = SetLabel(sample.labels, to, joined);
      if (to == kMetricName) sample.drop_name = false;
    }
    CheckUnique(input, Names::kCount);
    return input;
  }
  Args args;
  for (size_t i = 1; i < call.args.size(); ++i) args.push_back(ScalarOf(*call.args[i], ms));
  if (name == "clamp" && args[1] < args[0]) return {};
  for (const Sample& sample : input) {
    if (sample.h != nullptr) continue;
    if (date != DateFunctions().end()) {
      const auto seconds = static_cast<int64_t>(sample.f);
      give(sample, date->second(std::chrono::sys_seconds(std::chrono::seconds(seconds))));
      continue;
    }
    const auto function = FloatFunctions().find(name);
    if (function == FloatFunctions().end()) {
      throw QueryError("reference: no function " + std::string(name));
    }
    give(sample, function->second(sample.f, args));
  }
  return finish();
}

InstantVector Evaluator::HistogramQuantiles(const promql::Call& call, int64_t ms) {
  const Expr& arg = *call.args[0];
  const InstantVector input = VectorOf(arg, ms);
  const std::string label = StringOf(*call.args[1], ms);
  if (!IsUtf8Name(label)) {
    throw QueryError("invalid label name in histogram_quantiles(): " + label);
  }
  InstantVector result;
  const std::vector<Found> all = FindHistograms(*this, arg, input);
  for (size_t i = 2; i < call.args.size(); ++i) {
    const double q = ScalarOf(*call.args[i], ms);
    CheckQuantile(*this, q, *call.args[i]);
    for (const Found& found : all) {
      Sample sample{SetLabel(found.labels, label, FormatQuantile(q)),
                    found.drop_name,
                    QuantileOfFound(*this, arg, q, found),
                    nullptr,
                    0,
                    0};
      DropName(sample);
      result.push_back(sample);
    }
  }
  CheckUnique(result);
  return result;
}

Labels Evaluator::AbsentLabels(const Expr& expr) {
  const Expr& inner = UnwrapParens(expr);
  const Matchers* matchers = nullptr;
  if (inner.kind == ExprKind::kVectorSelector) matchers = &As<VectorSelector>(inner).matchers;
  if (inner.kind == ExprKind::kMatrixSelector) {
    matchers = &As<MatrixSelector>(inner).vector->matchers;
  }
  if (matchers == nullptr) return {};
  LabelsBuilder builder;
  std::map<std::string, int> times;
  for (const Matcher& matcher : *matchers) ++times[matcher.name()];
  for (const Matcher& matcher : *matchers) {
    const bool known = matcher.type() == MatchType::kEqual && times[matcher.name()] == 1 &&
                       matcher.name() != kMetricName;
    if (known) builder.Set(matcher.name(), matcher.value());
  }
  return builder.Build();
}

}  // namespace barograph::promql::reference
