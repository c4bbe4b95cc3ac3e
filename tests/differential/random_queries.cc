#include "tests/differential/random_queries.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "tests/differential/random_data.h"

namespace barograph::differential {

RandomQueries::Times RandomQueries::NextTimes() {
  const bool on_the_dot = Chance(2);
  const auto offset = static_cast<int64_t>(Below(kPoints + 20));
  const int64_t start =
      kBeginMs + offset * kIntervalMs + (on_the_dot ? 0 : static_cast<int64_t>(Below(15'000)));
  if (Chance(2)) return {start, start, 0};
  const int64_t step = std::vector<int64_t>{15'000, 60'000, 7'000, 300'000}[Below(4)];
  return {start, start + step * static_cast<int64_t>(Below(12)), step};
}

RandomQueries::Query RandomQueries::Next() {
  switch (Below(8)) {
    case 0: return {Noise(), true};
    case 1: return {Scalar(2), false};
    case 2: return {Histogram(2), true};
    default: {
      const bool exact = Chance(2);
      return {Vector(static_cast<int>(Below(4)), exact), false};
    }
  }
}

// What has no digits to rely on near zero.
std::string RandomQueries::Noise() {
  const std::string finite = Pick({"c_total", "g", "h", "lat_bucket", "nh", "ng", "nc", "mix"});
  switch (Below(8)) {
    case 0: return fmt::format("deriv({})", RangeOf(Named(finite)));
    case 1:
      return fmt::format("predict_linear({}, {})", RangeOf(Named(finite)), Pick({"60", "-600"}));
    case 2:
      return fmt::format("{}_over_time({})", Pick({"stddev", "stdvar", "avg", "mad"}),
                         RangeOf(Named(finite)));
    case 3:
      return fmt::format("double_exponential_smoothing({}, {}, {})", RangeOf(Named(finite)),
                         Pick({"0.5", "0.1"}), Pick({"0.5", "0.9"}));
    case 4:
      return fmt::format("{} {} ({})", Pick({"avg", "stddev", "stdvar"}), Grouping(),
                         Named(finite) + Modifiers());
    case 5: return fmt::format("histogram_{}({})", Pick({"stddev", "stdvar", "avg"}), Histogram(1));
    case 6: return fmt::format("histogram_{}({})", Pick({"sum", "count"}), Histogram(2));
    default:
      return fmt::format("{}({})", Pick({"delta", "rate", "increase", "irate", "idelta"}),
                         RangeOf(Named(finite)));
  }
}

std::string RandomQueries::Vector(int depth, bool exact) {
  if (depth <= 0) return Instant();
  --depth;
  switch (Below(16)) {
    case 0: return Instant();
    case 1:
    case 2: return Aggregation(depth, exact);
    case 3:
    case 4: return OverTime(depth, exact);
    case 5: return Function(depth, exact);
    case 6: return WithScalar(depth, exact);
    case 7:
    case 8: return Matched(depth, exact);
    case 9: return SetOperation(depth, exact);
    case 10: return LabelFunction(depth, exact);
    case 11: return exact ? Jump(depth) : Continuous(depth);
    case 12: return OfHistograms(depth, exact);
    case 13: return InfoCall();
    case 14: return ExtendedRange(exact);
    default: return exact ? Jump(depth) : OverTime(depth, exact);
  }
}

std::string RandomQueries::Instant() {
  if (Chance(25)) return Named(Pick({"c_total", "g", "nh", "mix"})) + " smoothed" + Modifiers();
  return Selector() + Modifiers();
}

std::string RandomQueries::Aggregation(int depth, bool exact) {
  const std::string by = Grouping();
  // Of values that are all different: which of equal ones is taken is not told.
  const std::string distinct =
      Pick({"g", "h", "g{job=\"api\"}", "h{instance!=\"b:80\"}"}) + Modifiers();
  switch (Below(10)) {
    case 0:
      return fmt::format("{} {} ({}, {})", Pick({"topk", "bottomk"}), by,
                         Pick({"0", "1", "2", "5", "-1"}), distinct);
    case 1: return fmt::format("count_values {} (\"v\", {})", by, Vector(depth, true));
    case 2:
      if (exact) break;
      return fmt::format("quantile {} ({}, {})", by, QuantileNumber(), Vector(depth, false));
    case 3: return fmt::format("limitk {} ({}, {})", by, Pick({"0", "1", "2", "9"}), Selector());
    case 4:
      return fmt::format("limit_ratio {} ({}, {})", by, Pick({"0.5", "-0.5", "1", "-1", "2", "0"}),
                         Vector(depth, exact));
    case 5:
      return fmt::format("{} {} ({})", Pick({"min", "max", "count", "group"}), by,
                         Vector(depth, exact));
    default: break;
  }
  return fmt::format("{} {} ({})", Pick({"sum", "sum", "min", "max", "count", "group"}), by,
                     Vector(depth, true));
}

std::string RandomQueries::OverTime(int depth, bool exact) {
  if (exact || Chance(3)) {
    const std::string name =
        Pick({"min_over_time", "max_over_time", "sum_over_time", "count_over_time",
              "last_over_time", "first_over_time", "present_over_time", "changes", "resets",
              "idelta", "absent_over_time", "ts_of_min_over_time", "ts_of_max_over_time",
              "ts_of_first_over_time", "ts_of_last_over_time"});
    return fmt::format("{}({})", name, Range(depth));
  }
  if (Chance(5)) {
    return fmt::format("quantile_over_time({}, {})", QuantileNumber(), Range(depth));
  }
  return fmt::format("{}({})", Pick({"rate", "increase", "irate", "delta", "rate", "increase"}),
                     RangeOf(Named(Pick({"c_total", "lat_bucket", "c_total", "g"}))));
}

std::string RandomQueries::ExtendedRange(bool exact) {
  const std::string metric = Pick({"c_total", "g", "lat_bucket", "c_total"});
  const std::string range = fmt::format("{}[{}]", Named(metric), RangeDuration());
  if (exact || Chance(3)) {
    return fmt::format("{}({} anchored{})", Pick({"changes", "resets", "increase", "delta"}), range,
                       Modifiers());
  }
  return fmt::format("{}({} {}{})", Pick({"rate", "increase", "delta"}), range,
                     Pick({"anchored", "smoothed"}), Modifiers());
}

std::string RandomQueries::Function(int depth, bool exact) {
  const std::string inner = Vector(depth, exact);
  switch (Below(13)) {
    case 0: return fmt::format("abs({})", inner);
    case 1: return fmt::format("-({})", inner);
    case 2: return fmt::format("clamp_min({}, {})", inner, Number());
    case 3: return fmt::format("clamp_max({}, {})", inner, Number());
    case 4: return fmt::format("clamp({}, {}, {})", inner, Number(), Number());
    case 5:
      return fmt::format("{}({})", Chance(2) ? "timestamp" : "start_timestamp",
                         Chance(2) ? Instant() : inner);
    case 6: return fmt::format("vector({})", Scalar(1));
    case 7: return fmt::format("absent({})", Chance(2) ? "nothing{job=\"api\", x!=\"y\"}" : inner);
    case 8: return fmt::format("+({})", inner);
    case 9: return fmt::format("{}({})", Pick({"sort", "sort_desc"}), Vector(depth, exact));
    case 10:
      return fmt::format("{}({}, \"job\", \"path\")", Pick({"sort_by_label", "sort_by_label_desc"}),
                         inner);
    default:
      return fmt::format("{}({})",
                         Pick({"minute", "hour", "month", "year", "day_of_month", "day_of_week",
                               "days_in_month", "day_of_year"}),
                         Chance(2) ? "" : Pick({"g", "h", "c_total", "nh", "timestamp(g)"}));
  }
}

// Of arguments that are small where much is made of them.
std::string RandomQueries::Continuous(int depth) {
  const std::string inner = Vector(depth, true);
  if (Chance(3)) {
    return fmt::format("{}(({}) / 100000)", Pick({"exp", "sinh", "cosh", "sin", "cos", "tan"}),
                       inner);
  }
  return fmt::format("{}({})",
                     Pick({"ln", "log2", "log10", "sqrt", "atan", "asinh", "deg", "rad", "tanh",
                           "acos", "asin", "acosh", "atanh"}),
                     inner);
}

std::string RandomQueries::Jump(int depth) {
  const std::string inner = Vector(depth, true);
  switch (Below(6)) {
    case 0: return fmt::format("{}({})", Pick({"floor", "ceil", "round", "sgn"}), inner);
    case 1: return fmt::format("round({}, {})", inner, Pick({"8", "0.5", "0.125"}));
    case 2: return fmt::format("({} % {})", inner, Pick({"7", "0.5", "-3", "0"}));
    default: {
      const std::string op = Pick({"==", "!=", "<", ">", "<=", ">="}) + Pick({"", " bool"});
      const std::string number = Number();
      return Chance(3) ? fmt::format("({} {} {})", number, op, inner)
                       : fmt::format("({} {} {})", inner, op, number);
    }
  }
}

std::string RandomQueries::WithScalar(int depth, bool exact) {
  std::string left = Vector(depth, exact);
  std::string right = Chance(3) ? Scalar(1) : Number();
  const std::string op = exact ? Pick({"+", "-", "*"}) : Pick({"*", "/", "/", "^", "atan2"});
  if (op == "^") right = Pick({"2", "0.5", "-1", "0"});
  if (op != "^" && Chance(3)) std::swap(left, right);
  return fmt::format("({} {} {})", left, op, right);
}

std::string RandomQueries::Matched(int depth, bool exact) {
  const std::string op = exact ? Pick({"+", "-", ">", "== bool", "!=", "<="}) : Pick({"*", "/"});
  const std::string fill =
      Chance(4)
          ? Pick({" fill(0)", " fill_left(2)", " fill_right(-1)", " fill_left(1) fill_right(NaN)"})
          : "";
  switch (Below(5)) {
    case 0: {
      const std::string by = Clause("by");
      return fmt::format("(sum {} ({}) {}{}{} sum {} ({}))", by, Vector(depth, true), op,
                         fill.empty() ? "" : " on (job, instance)", fill, by, Vector(depth, true));
    }
    case 1: return fmt::format("({} {} on (job, instance){} {})", Named("g"), op, fill, Named("h"));
    case 2: {
      const std::string side = Pick({"group_left (version)", "group_left ()", "group_left (zone)"});
      return fmt::format("({} {} on (job, instance) {}{} {})", Named("c_total"), op, side, fill,
                         Named("target_info"));
    }
    case 3:
      return fmt::format("({} {} on (job, instance) group_right (version){} {})",
                         Named("target_info"), op, fill, Named("c_total"));
    default:
      return fmt::format("({} {} {}{} {})", Vector(depth, exact), op,
                         Clause(Chance(2) ? "on" : "ignoring"), fill, Vector(depth, exact));
  }
}

std::string RandomQueries::SetOperation(int depth, bool exact) {
  return fmt::format("({} {}{} {})", Vector(depth, exact), Pick({"and", "or", "unless"}),
                     Pick({"", " on (job)", " ignoring (path, zone)", " on ()"}),
                     Vector(depth, exact));
}

// Floats out of histograms.
std::string RandomQueries::OfHistograms(int depth, bool exact) {
  const std::string native = Pick({"nh", "ng", "nc", "mix", "both", "lat_bucket"});
  if (exact) {
    return fmt::format("histogram_{}({})", Pick({"count", "sum"}), Named(native) + Modifiers());
  }
  std::string of = Named(native) + Modifiers();
  if (Chance(3) && depth > 0) of = fmt::format("sum by (le, job) ({})", of);
  switch (Below(4)) {
    case 0:
      return fmt::format("histogram_fraction({}, {}, {})", Pick({"0", "-1", "0.3", "-Inf"}),
                         Pick({"0.7", "2", "+Inf", "-0.5", "NaN"}), of);
    case 1:
      return fmt::format("histogram_quantiles({}, \"q\", {}, {})", of, Pick({"0", "0.5"}),
                         Pick({"0.9", "1", "-1"}));
    default: return fmt::format("histogram_quantile({}, {})", QuantileNumber(), of);
  }
}

// Native histograms out of native histograms.
std::string RandomQueries::Histogram(int depth) {
  const std::string metric = Named(Pick({"nh", "ng", "nc", "mix", "nh"}));
  if (depth <= 0) return metric + Modifiers();
  switch (Below(7)) {
    case 0:
      return fmt::format("{}({})", Pick({"rate", "increase", "irate", "delta", "idelta"}),
                         RangeOf(metric));
    case 1:
      return fmt::format("{}_over_time({})", Pick({"sum", "avg", "last", "first"}),
                         RangeOf(metric));
    case 2:
      return fmt::format("{} {} ({})", Pick({"sum", "avg"}), Grouping(), Histogram(depth - 1));
    case 3:
      return fmt::format("{}({}[{}] {}{})", Pick({"rate", "increase", "delta"}), metric,
                         RangeDuration(), Pick({"anchored", "smoothed"}), Modifiers());
    case 4: return fmt::format("{}_over_time({})", Pick({"sum", "avg", "last"}), Range(1));
    case 5: return fmt::format("-({})", Histogram(depth - 1));
    default: return HistogramOperator(depth);
  }
}

std::string RandomQueries::HistogramOperator(int depth) {
  const std::string inner = Histogram(depth - 1);
  switch (Below(5)) {
    case 0: return fmt::format("({} * {})", inner, Pick({"2", "-0.5", "0"}));
    case 1: return fmt::format("({} / {})", inner, Pick({"2", "-4", "0"}));
    case 2:
      return fmt::format("({} {} {})", inner, Pick({"</", ">/"}),
                         Pick({"0", "1", "-0.3", "2.5", "0.0005", "+Inf", "-Inf"}));
    case 3:
      return fmt::format("({} {} on (job, instance) {})", Named(Pick({"nh", "nc", "ng"})),
                         Pick({"+", "-", "==", "!=", "== bool", "*", ">"}),
                         Named(Pick({"nh", "nc", "ng", "mix", "g"})));
    default:
      return fmt::format("({} {} {} offset 1m)", Named("nh"), Pick({"-", "==", "!="}), Named("nh"));
  }
}

std::string RandomQueries::LabelFunction(int depth, bool exact) {
  const std::string inner = Vector(depth, exact);
  return fmt::format(
      fmt::runtime(Pick({"label_replace({}, \"new\", \"$1-x\", \"instance\", \"(.).*\")",
                         "label_replace({}, \"job\", \"\", \"path\", \".*x\")",
                         "label_replace({}, \"__name__\", \"other\", \"job\", \"api\")",
                         "label_replace({}, \"path\", \"$n\", \"job\", \"(?P<n>.).+\")",
                         "label_join({}, \"new\", \"/\", \"job\", \"instance\")",
                         "label_join({}, \"zone\", \"-\")"})),
      inner);
}

std::string RandomQueries::InfoCall() {
  const std::string base = Selector() + Modifiers();
  return Chance(3) ? fmt::format("info({})", base)
                   : fmt::format("info({}, {{{}}})", base,
                                 Pick({"version=~\".+\"", "version=\"1\"", "version=~\".*\"",
                                       "__name__=\"build_info\"", "__name__=~\".+_info\"",
                                       "__name__=~\".+_info\", commit=~\".*\"", "nope=~\".+\""}));
}

std::string RandomQueries::Range(int depth) {
  if (in_subquery_ || depth <= 0 || !Chance(3)) return RangeOf(Selector());
  in_subquery_ = true;
  const std::string inner = Vector(depth, true);
  in_subquery_ = false;
  return fmt::format("({})[{}:{}]{}", inner, Pick({"2m", "5m", "50s"}),
                     Pick({"30s", "17s", "", "step() + 20s"}), Modifiers());
}

std::string RandomQueries::RangeOf(const std::string& selector) {
  return fmt::format("{}[{}]{}", selector, RangeDuration(), Modifiers());
}

std::string RandomQueries::RangeDuration() {
  return Pick({"30s", "1m", "2m", "5m", "13m", "15s", "61s", "30s + 15s", "step() + 30s",
               "max_of(1m, range())", "2 * 45s"});
}

std::string RandomQueries::Scalar(int depth) {
  if (depth <= 0) return Number();
  switch (Below(9)) {
    case 0: return Pick({"time()", "pi()", "start()", "end()", "range()", "step()"});
    case 1: return fmt::format("scalar({})", Instant());
    case 2: return fmt::format("scalar(sum({}))", Selector() + Modifiers());
    case 3:
      return fmt::format("({} {} {})", Scalar(depth - 1),
                         Pick({"+", "*", "/", "^", "%", "-", "atan2"}), Number());
    case 4:
      return fmt::format("({} {} bool {})", Scalar(depth - 1), Pick({">=", "==", "!=", "<"}),
                         Number());
    case 5:
      return fmt::format("{}({}, {})", Pick({"min_of", "max_of"}), Scalar(depth - 1), Number());
    case 6: return "-" + Scalar(0);
    default: return Number();
  }
}

std::string RandomQueries::Metric() {
  return Pick({"c_total", "c_total", "g", "h", "odd", "odd", "lat_bucket", "nh", "ng", "nc", "mix",
               "both", "target_info"});
}

std::string RandomQueries::Named(const std::string& metric) {
  if (Chance(60)) return "{__name__=~\"" + metric + "|g|c_total\"}";
  if (!Chance(3)) return metric;
  return metric + Pick({"{job=\"api\"}", "{instance!=\"b:80\"}", "{job=~\"a.*\"}",
                        "{instance!~\"a.*\"}", "{path=\"/x\"}", "{zone=\"\"}",
                        "{job=\"api\", instance=\"a:80\"}", "{le!=\"0.5\"}"});
}

std::string RandomQueries::Modifiers() {
  const std::string offset =
      Pick({"", "", "", "", " offset 1m", " offset -3m", " offset 7s", " offset (2 * 20s)"});
  if (!Chance(6)) return offset;
  const auto seconds = kBeginMs / 1000 + 15 * static_cast<int64_t>(Below(kPoints));
  return Pick({" @ start()", " @ end()", fmt::format(" @ {}", seconds).c_str()}) + offset;
}

std::string RandomQueries::Grouping() {
  if (Chance(3)) return "";
  return Clause(Chance(2) ? "by" : "without");
}

std::string RandomQueries::Clause(const char* word) {
  return fmt::format("{} ({})", word,
                     Pick({"job", "instance", "job, instance", "path, zone", "le", "",
                           "job, instance, version", "instance, path, zone", "__name__"}));
}

}  // namespace barograph::differential
