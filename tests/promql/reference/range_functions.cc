#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/model/number.h"
#include "base/model/sample.h"
#include "promql/parse/functions.h"
#include "tests/promql/reference/evaluator.h"

// Functions of range vectors.
namespace barograph::promql::reference {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

using Points = std::vector<Point>;

struct Split {
  Points floats, histograms;
};
Split Divide(const Points& points) {
  Split split;
  for (const Point& point : points) {
    (point.h != nullptr ? split.histograms : split.floats).push_back(point);
  }
  return split;
}

std::vector<double> ValuesOf(const Points& points) {
  std::vector<double> values;
  for (const Point& point : points) values.push_back(point.f);
  return values;
}

// What starts tell of two samples that follow each other: that the counter began anew between them,
// or that the later one counts what the one before it has counted.
bool IsStartReset(const Point& before, const Point& now) {
  if (now.start_ms == 0 || now.start_ms >= now.ms || now.start_ms < before.ms) return false;
  if (now.start_ms > before.ms) return true;
  return before.start_ms != 0 && before.start_ms < before.ms;
}
bool IsOverlap(const Point& before, const Point& now) {
  return now.start_ms != 0 && now.start_ms < before.ms && now.start_ms != before.start_ms;
}

double Seconds(int64_t ms) { return static_cast<double>(ms) / 1000; }

struct Outcome {
  double f = 0;
  HistogramPtr h;
};
using Answer = std::optional<Outcome>;

Answer Give(double value) { return Outcome{value, nullptr}; }
Answer Give(Histogram histogram) {
  return Outcome{0, std::make_shared<Histogram>(Compact(std::move(histogram)))};
}

// One call on one series at one time.
class RangeCall {
 public:
  RangeCall(Evaluator& evaluator, const promql::Call& call, const Expr& range_arg,
            const RangeVector& range, const Window& window, std::vector<double> parameters,
            int64_t ms)
      : evaluator_(evaluator),
        name_(call.function->name),
        where_(range_arg),
        range_(range),
        window_(window),
        points_(window.points),
        split_(Divide(window.points)),
        parameters_(std::move(parameters)),
        ms_(ms) {}

  Answer Run() {
    if (name_ == "rate" || name_ == "increase") return Rate(true, name_ == "rate");
    if (name_ == "delta") return Rate(false, false);
    if (name_ == "irate" || name_ == "idelta") return Instant(name_ == "irate");
    if (name_ == "changes" || name_ == "resets") return CountBreaks(name_ == "resets");
    if (name_ == "sum_over_time" || name_ == "avg_over_time") return Total(name_[0] == 'a');
    if (name_ == "count_over_time") return Give(static_cast<double>(points_.size()));
    if (name_ == "present_over_time") return Give(1);
    if (name_ == "last_over_time") return Outcome{points_.back().f, points_.back().h};
    if (name_ == "first_over_time") return Outcome{points_.front().f, points_.front().h};
    if (name_ == "ts_of_last_over_time") return Give(Seconds(points_.back().ms));
    if (name_ == "ts_of_first_over_time") return Give(Seconds(points_.front().ms));
    return OfFloats();
  }

 private:
  std::string Name() const { return std::string(window_.labels.metric_name()); }
  void WarnMixed() {
    evaluator_.Warn(
        fmt::format("encountered a mix of histograms and floats for metric name {}", Quote(Name())),
        where_);
  }
  void WarnSchemas() {
    evaluator_.Warn(fmt::format("vector contains a mix of histograms with exponential and custom "
                                "buckets schemas for metric name {}",
                                Quote(Name())),
                    where_);
  }
  void WarnNotCounter() {
    evaluator_.Warn(fmt::format("this native histogram metric is not a counter: {}", Quote(Name())),
                    where_);
  }
  void WarnNotGauge() {
    evaluator_.Warn(fmt::format("this native histogram metric is not a gauge: {}", Quote(Name())),
                    where_);
  }

  // Functions that look at floats only.
  Answer OfFloats() {
    const bool fits =
        name_ == "deriv" || name_ == "predict_linear" || name_ == "double_exponential_smoothing";
    const Points& floats = split_.floats;
    if (floats.empty() || (fits && floats.size() < 2)) {
      if (fits && !floats.empty() && !split_.histograms.empty()) InformIgnored();
      return {};
    }
    if (!split_.histograms.empty()) InformIgnored();
    const std::vector<double> values = ValuesOf(floats);
    if (name_ == "min_over_time") return Give(Extreme(false).f);
    if (name_ == "max_over_time") return Give(Extreme(true).f);
    if (name_ == "ts_of_min_over_time") return Give(Seconds(LastExtreme(false).ms));
    if (name_ == "ts_of_max_over_time") return Give(Seconds(LastExtreme(true).ms));
    if (name_ == "stdvar_over_time") return Give(Spread(values));
    if (name_ == "stddev_over_time") return Give(std::sqrt(Spread(values)));
    if (name_ == "quantile_over_time") return Give(QuantileOf(parameters_[0], values));
    if (name_ == "mad_over_time") {
      if (std::ranges::any_of(values, [](double v) { return std::isnan(v); })) return Give(kNan);
      const double median = QuantileOf(0.5, values);
      std::vector<double> distances;
      for (const double value : values) distances.push_back(std::abs(value - median));
      return Give(QuantileOf(0.5, distances));
    }
    if (name_ == "deriv") return Give(Fit(floats[0].ms).first);
    if (name_ == "predict_linear") {
      const auto [slope, intercept] = Fit(ms_);
      return Give(slope * parameters_[0] + intercept);
    }
    if (name_ == "double_exponential_smoothing") return Give(Smoothed(values));
    throw QueryError("reference: no function " + std::string(name_));
  }

  void InformIgnored() {
    evaluator_.Inform(fmt::format("ignored histograms in a range containing both floats and "
                                  "histograms for metric name {}",
                                  Quote(Name())),
                      where_);
  }

  Point Extreme(bool greatest) const {
    Point best = split_.floats[0];
    for (const Point& point : split_.floats) {
      const bool better = greatest ? point.f > best.f : point.f < best.f;
      if (better || std::isnan(best.f)) best = point;
    }
    return best;
  }
  Point LastExtreme(bool greatest) const {
    Point best = split_.floats[0];
    for (const Point& point : split_.floats) {
      const bool better = greatest ? point.f >= best.f : point.f <= best.f;
      if (better || std::isnan(best.f)) best = point;
    }
    return best;
  }

  static double Spread(const std::vector<double>& values) {
    long double sum = 0;
    for (const double value : values) sum += value;
    const long double mean = sum / static_cast<long double>(values.size());
    long double squares = 0;
    for (const double value : values) squares += (value - mean) * (value - mean);
    return static_cast<double>(squares / static_cast<long double>(values.size()));
  }

  // Least squares: slope a second, and the value at `at`.
  std::pair<double, double> Fit(int64_t at) const {
    const Points& points = split_.floats;
    const double first = points[0].f;
    if (std::ranges::all_of(points, [&](const Point& point) { return point.f == first; })) {
      if (std::isinf(first)) return {kNan, kNan};
      return {0, first};
    }
    const auto n = static_cast<long double>(points.size());
    long double sum_x = 0, sum_y = 0, sum_xy = 0, sum_xx = 0;
    for (const Point& point : points) {
      const long double x = static_cast<long double>(point.ms - at) / 1000;
      sum_x += x;
      sum_y += point.f;
      sum_xy += x * point.f;
      sum_xx += x * x;
    }
    const long double slope = (sum_xy - sum_x * sum_y / n) / (sum_xx - sum_x * sum_x / n);
    return {static_cast<double>(slope), static_cast<double>(sum_y / n - slope * sum_x / n)};
  }

  // Holt's linear method.
  double Smoothed(const std::vector<double>& values) const {
    const double level_factor = parameters_[0], trend_factor = parameters_[1];
    double level = values[0], trend = values[1] - values[0], before = 0;
    for (size_t i = 1; i < values.size(); ++i) {
      if (i > 1) trend = trend_factor * (level - before) + (1 - trend_factor) * trend;
      before = level;
      level = level_factor * values[i] + (1 - level_factor) * (level + trend);
    }
    return level;
  }

  Answer Total(bool mean) {
    if (!split_.floats.empty() && !split_.histograms.empty()) {
      WarnMixed();
      return {};
    }
    if (split_.histograms.empty()) {
      const std::vector<double> values = ValuesOf(split_.floats);
      if (mean) return Give(Mean(values));
      CompensatedSum sum;
      for (const double value : values) sum.Add(value);
      return Give(sum.total());
    }
    Histogram total = *split_.histograms[0].h;
    MergeOutcome all;
    for (size_t i = 1; i < split_.histograms.size(); ++i) {
      const MergeOutcome outcome = Merge(total, *split_.histograms[i].h, 1);
      all.collision |= outcome.collision;
      all.reconciled |= outcome.reconciled;
      if (outcome.incompatible) {
        WarnSchemas();
        return {};
      }
    }
    evaluator_.NoteMerge(all, "aggregation", where_);
    if (mean) reference::Divide(total, static_cast<double>(split_.histograms.size()));
    return Give(total);
  }

  bool Starts(const Point& before, const Point& now) const {
    return evaluator_.options().use_start_timestamps && IsStartReset(before, now);
  }

  void CheckOverlaps() {
    if (!evaluator_.options().use_start_timestamps) return;
    for (size_t i = 1; i < points_.size(); ++i) {
      if (IsOverlap(points_[i - 1], points_[i])) {
        return evaluator_.WarnOfOverlap(window_.labels, range_.end_ms, where_);
      }
    }
  }

  // changes and resets; the anchor is looked at as well.
  Answer CountBreaks(bool resets) {
    size_t first = 0;
    if (range_.anchored) {
      if (points_.back().ms <= range_.start_ms) return {};
      while (first + 1 < points_.size() && points_[first + 1].ms <= range_.start_ms) ++first;
    }
    double breaks = 0;
    for (size_t i = first + 1; i < points_.size(); ++i) {
      const Point& before = points_[i - 1];
      const Point& now = points_[i];
      bool is_break = false;
      if ((before.h != nullptr) != (now.h != nullptr)) {
        is_break = true;
      } else if (now.h != nullptr) {
        is_break =
            resets ? Starts(before, now) || IsReset(*now.h, *before.h) : !Equal(*now.h, *before.h);
      } else if (resets) {
        is_break = now.f < before.f || Starts(before, now);
      } else {
        is_break = now.f != before.f && !(std::isnan(now.f) && std::isnan(before.f));
      }
      if (is_break) ++breaks;
    }
    return Give(breaks);
  }

  // irate and idelta: the last two samples.
  Answer Instant(bool rate) {
    if (points_.size() < 2) return {};
    const Point& before = points_[points_.size() - 2];
    const Point& last = points_.back();
    if ((before.h != nullptr) != (last.h != nullptr)) {
      WarnMixed();
      return {};
    }
    const double seconds = Seconds(last.ms - before.ms);
    if (seconds == 0) return {};
    if (last.h == nullptr) {
      const bool anew = rate && (last.f < before.f || Starts(before, last));
      const double rise = anew ? last.f : last.f - before.f;
      return Give(rate ? rise / seconds : rise);
    }
    using enum CounterResetHint;
    if (rate && (before.h->hint == kGauge || last.h->hint == kGauge)) WarnNotCounter();
    if (!rate && (before.h->hint != kGauge || last.h->hint != kGauge)) WarnNotGauge();
    Histogram rise = *last.h;
    if (!rate || !(Starts(before, last) || IsReset(*last.h, *before.h))) {
      const MergeOutcome outcome = WithoutCollision(Merge(rise, *before.h, -1));
      if (!evaluator_.NoteMerge(outcome, "subtraction", where_)) {
        WarnSchemas();
        return {};
      }
    }
    if (rate) reference::Divide(rise, seconds);
    rise.hint = kGauge;
    return Give(rise);
  }

  // rate, increase and delta.
  Answer Rate(bool counter, bool per_second) {
    if (range_.anchored || range_.smoothed) return ExtendedRate(counter, per_second);
    if (!split_.floats.empty() && !split_.histograms.empty()) {
      WarnMixed();
      return {};
    }
    const Point& oldest = points_.front();
    const bool began_inside = counter && evaluator_.options().use_start_timestamps &&
                              oldest.start_ms > range_.start_ms && oldest.start_ms < oldest.ms;
    if (points_.size() < 2 && !began_inside) return {};
    const bool of_histograms = split_.floats.empty();
    double rise = 0;
    Histogram histogram;
    if (of_histograms && points_.size() > 1) {
      const auto risen = HistogramRise(counter);
      if (!risen) return {};
      histogram = *risen;
    } else if (!of_histograms) {
      rise = points_.back().f - oldest.f;
      if (counter) CheckOverlaps();
      for (size_t i = 1; counter && i < points_.size(); ++i) {
        const bool anew = points_[i].f < points_[i - 1].f || Starts(points_[i - 1], points_[i]);
        if (anew) rise += points_[i - 1].f;
      }
    }
    const int64_t first = oldest.ms, last = points_.back().ms;
    double sampled = Seconds(last - first);
    const double between =
        points_.size() > 1 ? sampled / static_cast<double>(points_.size() - 1) : 0;
    double to_start = Seconds(first - range_.start_ms);
    double to_end = Seconds(range_.end_ms - last);
    if (to_start >= between * 1.1) to_start = between / 2;
    if (to_end >= between * 1.1) to_end = between / 2;
    if (began_inside) {
      // There was a zero at the start.
      to_start = 0;
      sampled = Seconds(last - oldest.start_ms);
      rise += oldest.f;
      if (of_histograms && points_.size() == 1) {
        histogram = *oldest.h;
      } else if (of_histograms) {
        const MergeOutcome outcome = WithoutCollision(Merge(histogram, *oldest.h, 1));
        if (!evaluator_.NoteMerge(outcome, "addition", where_)) {
          WarnSchemas();
          return {};
        }
      }
    } else if (counter) {
      // A counter was not below zero.
      if (!of_histograms && rise > 0 && points_[0].f >= 0) {
        to_start = std::min(to_start, sampled * (points_[0].f / rise));
      }
      if (of_histograms && histogram.count > 0 && points_[0].h->count >= 0) {
        to_start = std::min(to_start, sampled * (points_[0].h->count / histogram.count));
      }
    }
    double factor = (sampled + to_start + to_end) / sampled;
    if (per_second) factor /= range_.seconds();
    if (!of_histograms) return Give(rise * factor);
    Scale(histogram, factor);
    return Give(histogram);
  }

  std::optional<Histogram> HistogramRise(bool counter) {
    using enum CounterResetHint;
    const Histogram& first = *points_.front().h;
    const Histogram& last = *points_.back().h;
    bool any_gauge = first.hint == kGauge || last.hint == kGauge;
    // What was before a reset right after the first is not looked at.
    Histogram before = first;
    if (counter && (Starts(points_[0], points_[1]) || IsReset(*points_[1].h, first))) {
      before = Histogram();
      before.schema = points_[1].h->schema;
      before.bounds = points_[1].h->bounds;
    }
    if (last.custom() != before.custom()) {
      if (counter && any_gauge) WarnNotCounter();
      WarnSchemas();
      return std::nullopt;
    }
    for (size_t i = 1; counter && i + 1 < points_.size(); ++i) {
      any_gauge |= points_[i].h->hint == kGauge;
      if (points_[i].h->custom() == before.custom()) continue;
      WarnSchemas();  // and nothing of gauges
      return std::nullopt;
    }
    if (counter && any_gauge) WarnNotCounter();
    Histogram rise = last;
    const auto note = [&](MergeOutcome outcome, const char* what) {
      evaluator_.NoteMerge(WithoutCollision(outcome), what, where_);
    };
    note(Merge(rise, before, -1), "subtraction");
    if (counter) {
      CheckOverlaps();
      Histogram previous = before;
      for (size_t i = 1; i < points_.size(); ++i) {
        const bool anew = Starts(points_[i - 1], points_[i]);
        if (anew || IsReset(*points_[i].h, previous)) note(Merge(rise, previous, 1), "addition");
        previous = *points_[i].h;
      }
    } else if (first.hint != kGauge || last.hint != kGauge) {
      WarnNotGauge();
    }
    rise.hint = kGauge;
    return rise;
  }

  // anchored: from the last sample at or before the range to its last. smoothed: between the
  // values at both ends, interpolated.
  Answer ExtendedRate(bool counter, bool per_second) {
    if (!split_.floats.empty() && !split_.histograms.empty()) {
      WarnMixed();
      return {};
    }
    if (points_.back().ms <= range_.start_ms) return {};
    size_t first = 0;
    while (first + 1 < points_.size() && points_[first + 1].ms <= range_.start_ms) ++first;
    size_t last = points_.size() - 1;
    if (range_.smoothed) {
      while (last > 0 && points_[last - 1].ms >= range_.end_ms) --last;
      if (points_[first].ms > range_.end_ms) return {};
    }
    if (points_[0].h != nullptr) return ExtendedHistogramRate(counter, per_second, first, last);
    const double left = EndValue(first, first + 1, range_.start_ms, counter, true);
    const double right = EndValue(last - 1, last, range_.end_ms, counter, false);
    double rise = right - left;
    if (counter) {
      double before = left;
      for (size_t i = first; i <= last; ++i) {
        const bool inside =
            points_[i].ms > range_.start_ms && (points_[i].ms < range_.end_ms || !range_.smoothed);
        if (!inside) continue;
        if (points_[i].f < before) rise += before;
        before = points_[i].f;
      }
      if (right < before) rise += before;
    }
    return Give(per_second ? rise / range_.seconds() : rise);
  }

  // The value at an end of a smoothed range between two samples, or that of the sample there.
  double EndValue(size_t a, size_t b, int64_t at, bool counter, bool is_left) const {
    const Point& own = points_[is_left ? a : b];
    const bool outside = is_left ? own.ms < at : own.ms > at;
    if (!range_.smoothed || !outside || b >= points_.size() || (!is_left && b == 0)) return own.f;
    double low = points_[a].f, high = points_[b].f;
    if (counter && high < low) low = 0;
    return low + (high - low) * static_cast<double>(at - points_[a].ms) /
                     static_cast<double>(points_[b].ms - points_[a].ms);
  }

  // The same of histograms.
  Answer ExtendedHistogramRate(bool counter, bool per_second, size_t first, size_t last) {
    using enum CounterResetHint;
    for (size_t i = first; i <= last; ++i) {
      if (points_[i].h->custom() != points_[first].h->custom()) {
        WarnSchemas();
        return {};
      }
      if (counter && points_[i].h->hint == kGauge) WarnNotCounter();
    }
    const bool gauges = points_[first].h->hint == kGauge && points_[last].h->hint == kGauge;
    if (!counter && !gauges) WarnNotGauge();
    const auto merge = [&](Histogram& a, const Histogram& b, double sign) {
      const MergeOutcome outcome = WithoutCollision(Merge(a, b, sign));
      evaluator_.NoteMerge(outcome, sign > 0 ? "addition" : "subtraction", where_);
    };
    const auto end_value = [&](size_t a, size_t b, int64_t at, bool is_left) {
      const Point& own = points_[is_left ? a : b];
      const bool outside = is_left ? own.ms < at : own.ms > at;
      if (!range_.smoothed || !outside || b >= points_.size() || (!is_left && b == 0)) {
        return *own.h;
      }
      const double fraction = static_cast<double>(at - points_[a].ms) /
                              static_cast<double>(points_[b].ms - points_[a].ms);
      Histogram low = *points_[a].h, high = *points_[b].h;
      if (counter && IsReset(high, low)) {
        Scale(high, fraction);
        return high;
      }
      Histogram rise = high;
      merge(rise, low, -1);
      Scale(rise, fraction);
      merge(rise, low, 1);
      return rise;
    };
    const Histogram left = end_value(first, first + 1, range_.start_ms, true);
    const Histogram right = end_value(last - 1, last, range_.end_ms, false);
    Histogram rise = right;
    merge(rise, left, -1);
    if (counter) {
      // What follows an interpolated left end in its pair is known to be no reset.
      const bool left_is_between = range_.smoothed && points_[first].ms < range_.start_ms;
      const Histogram* before = &left;
      bool checked = !left_is_between;
      for (size_t i = first + 1; i <= last; ++i) {
        const bool inside = points_[i].ms < range_.end_ms || !range_.smoothed;
        if (!inside) break;
        if (checked && IsReset(*points_[i].h, *before)) merge(rise, *before, 1);
        before = points_[i].h.get();
        checked = true;
      }
      const bool right_is_apart = range_.smoothed && points_[last].ms >= range_.end_ms;
      if (checked && right_is_apart && IsReset(right, *before)) merge(rise, *before, 1);
    }
    if (per_second) Scale(rise, 1 / range_.seconds());
    rise.hint = kGauge;
    return Give(rise);
  }

  Evaluator& evaluator_;
  const std::string_view name_;
  const Expr& where_;
  const RangeVector& range_;
  const Window& window_;
  const Points& points_;
  const Split split_;
  const std::vector<double> parameters_;
  const int64_t ms_;
};

bool IsCounterName(std::string_view name) {
  return name.ends_with("_total") || name.ends_with("_sum") || name.ends_with("_count") ||
         name.ends_with("_bucket");
}

}  // namespace

InstantVector Evaluator::RangeFunction(const promql::Call& call, int64_t ms) {
  const std::string_view name = call.function->name;
  const Expr* range_arg = nullptr;
  std::vector<double> parameters;
  for (const ExprPtr& arg : call.args) {
    if (TypeOf(*arg) == ValueType::kMatrix) {
      range_arg = arg.get();
    } else {
      parameters.push_back(ScalarOf(*arg, ms));
    }
  }
  const RangeVector range = EvalRange(*range_arg, ms);
  if (name == "absent_over_time") {
    if (!range.series.empty()) return {};
    return {Nameless(1, AbsentLabels(*range_arg))};
  }
  const auto has_floats = [](const Window& window) {
    return std::ranges::any_of(window.points,
                               [](const Point& point) { return point.h == nullptr; });
  };
  if (name == "quantile_over_time" && std::ranges::any_of(range.series, has_floats) &&
      !(parameters[0] >= 0 && parameters[0] <= 1)) {
    Warn(fmt::format("quantile value should be between 0 and 1, got {}",
                     FormatShortest(parameters[0])),
         *call.args[0]);
  }
  if (name == "double_exponential_smoothing" && !range.series.empty()) {
    for (size_t i = 0; i < 2; ++i) {
      if (parameters[i] > 0 && parameters[i] < 1) continue;
      throw QueryError(fmt::format("invalid {} factor. Expected: 0 < {} < 1, got: {:.6f}",
                                   i == 0 ? "smoothing" : "trend", i == 0 ? "sf" : "tf",
                                   parameters[i]));
    }
  }
  InstantVector result;
  for (const Window& window : range.series) {
    const auto answer = RangeCall(*this, call, *range_arg, range, window, parameters, ms).Run();
    const std::string_view metric = window.labels.metric_name();
    if ((name == "rate" || name == "increase") && !metric.empty() && answer.has_value() &&
        answer->h == nullptr && !IsCounterName(metric)) {
      Inform(fmt::format("metric might not be a counter, name does not end in "
                         "_total/_sum/_count/_bucket: {}",
                         Quote(metric)),
             *range_arg);
    }
    if (!answer.has_value()) continue;
    Sample sample{window.labels, window.drop_name, answer->f, answer->h, 0, 0};
    if (name != "last_over_time" && name != "first_over_time") DropName(sample);
    result.push_back(sample);
  }
  CheckUnique(result);
  return result;
}

}  // namespace barograph::promql::reference
