#include "tests/promql/reference/evaluator.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "base/model/number.h"
#include "base/model/sample.h"
#include "promql/parse/functions.h"
#include "promql/parse/parser.h"

namespace barograph::promql::reference {
namespace {

constexpr int64_t kMostSteps = 1'000'000;  // of a subquery

// Samples of a subquery do not follow each other: what is known of one and the one before it in
// storage does not help.
HistogramPtr WithoutHint(const HistogramPtr& histogram) {
  if (histogram == nullptr || histogram->hint == CounterResetHint::kGauge) return histogram;
  Histogram unhinted = *histogram;
  unhinted.hint = CounterResetHint::kUnknown;
  return std::make_shared<Histogram>(unhinted);
}

HistogramPtr TotalsOf(const HistogramPtr& histogram, const HistogramPtr& last) {
  if (histogram == nullptr) return nullptr;
  Histogram totals;
  totals.schema = histogram->schema;
  totals.count = histogram->count;
  totals.sum = histogram->sum;
  totals.hint = histogram->hint;
  if (totals.hint == CounterResetHint::kUnknown && last != nullptr) {
    totals.hint =
        IsReset(*histogram, *last) ? CounterResetHint::kReset : CounterResetHint::kNotReset;
  }
  return std::make_shared<Histogram>(totals);
}

Error AsError(const QueryError& error) { return {ErrorCode::kInvalidArgument, error.what()}; }

void AddPoint(ResultSeries& series, int64_t ms, double f, const HistogramPtr& h) {
  if (h != nullptr) series.histograms.resize(series.size());
  series.timestamps.push_back(FromMs(ms));
  series.values.push_back(f);
  if (h != nullptr) {
    series.histograms.emplace_back(h->ToFloatHistogram());
  } else if (!series.histograms.empty()) {
    series.histograms.emplace_back();
  }
}

// The answers of all steps, by labels.
class Answers {
 public:
  void Add(const Sample& sample, int64_t ms) {
    const Labels labels = sample.drop_name ? WithoutName(sample.labels) : sample.labels;
    ResultSeries& series = series_[labels];
    if (!series.timestamps.empty() && ToMs(series.timestamps.back()) == ms) {
      throw QueryError("vector cannot contain metrics with the same labelset");
    }
    series.labels = labels;
    AddPoint(series, ms, sample.f, sample.h);
  }
  std::vector<ResultSeries> Take() {
    std::vector<ResultSeries> all;
    for (auto& [labels, series] : series_) all.push_back(std::move(series));
    return all;
  }

 private:
  std::map<Labels, ResultSeries> series_;
};

Vector ToVector(const InstantVector& samples, int64_t ms) {
  Answers unique;
  Vector vector;
  for (const Sample& sample : samples) {
    unique.Add(sample, ms);
    ResultSeries& series = vector.series.emplace_back();
    series.labels = sample.drop_name ? WithoutName(sample.labels) : sample.labels;
    AddPoint(series, ms, sample.f, sample.h);
  }
  return vector;
}

Point FloatPoint(int64_t ms, double value) {
  Point point;
  point.ms = ms;
  point.f = value;
  return point;
}

// A range with a modifier ends on both sides with a sample, made of those around.
std::vector<Point> EndToEnd(const RangeVector& range, const std::vector<Point>& points) {
  if (std::ranges::any_of(points, [](const Point& point) { return point.h != nullptr; })) {
    throw QueryError(fmt::format("{} modifier is not supported with histograms",
                                 range.anchored ? "anchored" : "smoothed"));
  }
  size_t first = 0, last = points.size() - 1;
  while (first < last && points[first + 1].ms <= range.start_ms) ++first;
  while (range.smoothed && last > 0 && points[last - 1].ms >= range.end_ms) --last;
  if (points[last].ms <= range.start_ms) return {};
  const auto value = [&](size_t own, size_t a, size_t b, int64_t at) {
    if (!range.smoothed || points[a].ms >= at || points[b].ms <= at) return points[own].f;
    return points[a].f + (points[b].f - points[a].f) * static_cast<double>(at - points[a].ms) /
                             static_cast<double>(points[b].ms - points[a].ms);
  };
  const size_t second = std::min(first + 1, points.size() - 1);
  const size_t before_last = last == 0 ? 0 : last - 1;
  std::vector<Point> whole;
  whole.push_back(FloatPoint(range.start_ms, value(first, first, second, range.start_ms)));
  for (size_t i = first; i <= last; ++i) {
    if (points[i].ms > range.start_ms && points[i].ms < range.end_ms) whole.push_back(points[i]);
  }
  whole.push_back(FloatPoint(range.end_ms, value(last, before_last, last, range.end_ms)));
  return whole;
}

Matrix ToMatrix(RangeVector range) {
  Matrix matrix;
  if (range.anchored || range.smoothed) {
    for (Window& window : range.series) window.points = EndToEnd(range, window.points);
    std::erase_if(range.series, [](const Window& window) { return window.points.empty(); });
  }
  for (const Window& window : range.series) {
    ResultSeries& series = matrix.series.emplace_back();
    series.labels = window.drop_name ? WithoutName(window.labels) : window.labels;
    for (const Point& point : window.points) AddPoint(series, point.ms, point.f, point.h);
  }
  std::ranges::sort(matrix.series, {}, &ResultSeries::labels);
  return matrix;
}

promql::Value Run(Evaluator& evaluator, const Expr& expr, const QueryTimes& times) {
  const int64_t start = ToMs(times.start);
  if (times.step.count() == 0) {
    if (TypeOf(expr) == ValueType::kMatrix) return ToMatrix(evaluator.EvalRange(expr, start));
    const AnyValue value = evaluator.Eval(expr, start);
    if (const auto* scalar = std::get_if<double>(&value)) return Scalar{times.start, *scalar};
    if (const auto* text = std::get_if<std::string>(&value)) return StringValue{times.start, *text};
    return ToVector(std::get<InstantVector>(value), start);
  }
  Answers answers;
  for (int64_t ms = start; ms <= ToMs(times.end); ms += times.step.count()) {
    const AnyValue value = evaluator.Eval(expr, ms);
    if (const auto* scalar = std::get_if<double>(&value)) {
      answers.Add(Nameless(*scalar), ms);
      continue;
    }
    for (const Sample& sample : std::get<InstantVector>(value)) answers.Add(sample, ms);
  }
  return Matrix{answers.Take()};
}

}  // namespace

Data::Data(const Queryable& storage) {
  const Matchers all = {*Matcher::Make(MatchType::kRegex, "__name__", ".*")};
  SelectHints hints;
  hints.start_timestamps = true;
  const auto selection = storage.Select({}, all, hints, {});
  if (!selection) throw QueryError(selection.error().message);
  const auto cursor = (*selection)->NewCursor();
  for (size_t i = 0; i < (*selection)->size(); ++i) {
    const auto samples = cursor->Read(i);
    if (!samples) throw QueryError(samples.error().message);
    Series& series = series_.emplace_back(Series{(*selection)->labels(i), {}});
    HistogramPtr last;
    for (size_t s = 0; s < samples->size(); ++s) {
      Point point = FloatPoint(ToMs(samples->timestamps[s]), samples->values[s]);
      if (!samples->start_timestamps.empty()) point.start_ms = ToMs(samples->start_timestamps[s]);
      if (!samples->histograms.empty() && samples->histograms[s] != nullptr) {
        point.h = std::make_shared<Histogram>(*samples->histograms[s]);
      }
      point.totals = TotalsOf(point.h, last);
      if (point.h != nullptr && !IsStale(point.h->sum)) last = point.h;
      point.stale = IsStale(point.h != nullptr ? point.h->sum : point.f);
      series.points.push_back(std::move(point));
    }
  }
}

Result<QueryResult> Evaluate(std::string_view query, const Data& data, QueryTimes times,
                             const Options& options) {
  const auto expr = ParseExpr(query);
  if (!expr) return Fail(ErrorCode::kInvalidArgument, expr.error().front().Format(query));
  const ValueType type = TypeOf(**expr);
  if (times.step.count() > 0 && type != ValueType::kScalar && type != ValueType::kVector) {
    return Fail(ErrorCode::kInvalidArgument, "invalid expression type for range query");
  }
  Evaluator evaluator(query, data, times, options);
  try {
    QueryResult result;
    result.value = Run(evaluator, **expr, times);
    result.annotations = evaluator.annotations();
    return result;
  } catch (const QueryError& error) {
    return std::unexpected(AsError(error));
  }
}

Labels WithoutName(const Labels& labels) {
  LabelsBuilder builder(labels);
  for (const char* name : {"__name__", "__type__", "__unit__"}) builder.Delete(name);
  return builder.Build();
}

Labels SetLabel(const Labels& labels, std::string_view name, std::string_view value) {
  return LabelsBuilder(labels).Set(name, value).Build();
}

void Evaluator::DropName(Sample& sample) const {
  if (options_.delayed_name_removal) {
    sample.drop_name = true;
  } else {
    sample.labels = WithoutName(sample.labels);
  }
}

void Evaluator::CheckUnique(const InstantVector& vector, Names names) const {
  if (options_.delayed_name_removal && names == Names::kMayBeDropped) return;
  std::set<Labels> seen;
  for (const Sample& sample : vector) {
    if (!seen.insert(sample.labels).second) {
      throw QueryError("vector cannot contain metrics with the same labelset");
    }
  }
}

void Evaluator::Note(bool warning, const std::string& text, const Expr& where) {
  const std::pair<bool, std::string> note(warning, text);
  const auto found = std::ranges::find(notes_, note);
  const auto index = static_cast<size_t>(found - notes_.begin());
  if (found == notes_.end()) {
    notes_.push_back(note);
    note_places_.push_back(&where);
  } else {
    note_places_[index] = &where;
  }
}

bool Evaluator::NoteMerge(const MergeOutcome& outcome, const std::string& what, const Expr& where) {
  if (outcome.collision) Warn("conflicting counter resets during histogram " + what, where);
  if (outcome.reconciled) Inform("mismatched custom buckets were reconciled during " + what, where);
  return !outcome.incompatible;
}

void Evaluator::WarnOfOverlap(const Labels& labels, int64_t ms, const Expr& where) {
  auto& [windows, first] = overlaps_[std::string(labels.metric_name())];
  if (windows.empty()) first = &where;
  windows.emplace(where.position.start, labels, ms);
}

// A subquery as an argument stands nowhere in Prometheus.
std::string Evaluator::Position(const Expr& wrapped) const {
  const Expr& where = UnwrapParens(wrapped);
  if (where.kind == ExprKind::kSubquery) return "1:1";
  const std::string_view before =
      query_.substr(0, static_cast<size_t>(std::max(where.position.start, 0)));
  const size_t line_start = before.rfind('\n') + 1;  // 0 where there is none
  return fmt::format("{}:{}", 1 + std::ranges::count(before, '\n'), before.size() - line_start + 1);
}

Annotations Evaluator::annotations() const {
  Annotations annotations;
  for (size_t i = 0; i < notes_.size(); ++i) {
    const auto& [warning, text] = notes_[i];
    (warning ? annotations.warnings : annotations.infos)
        .push_back(fmt::format("PromQL {}: {} ({})", warning ? "warning" : "info", text,
                               Position(*note_places_[i])));
  }
  for (const auto& [metric, overlaps] : overlaps_) {
    const auto& [all, where] = overlaps;
    const size_t windows = all.size();
    annotations.warnings.push_back(fmt::format(
        "PromQL warning: sample has start time that overlaps with previous sample timestamp for "
        "metric {}{} ({})",
        Quote(metric), windows > 1 ? fmt::format(" ({} occurrences)", windows) : "",
        Position(*where)));
  }
  return annotations;
}

InstantVector Evaluator::VectorOf(const Expr& expr, int64_t ms) {
  return std::get<InstantVector>(Eval(expr, ms));
}

AnyValue Evaluator::Eval(const Expr& expr, int64_t ms) {
  switch (expr.kind) {
    case ExprKind::kNumber: return As<NumberLiteral>(expr).value;
    case ExprKind::kString: return As<StringLiteral>(expr).value;
    case ExprKind::kParen: return Eval(*As<ParenExpr>(expr).expr, ms);
    case ExprKind::kVectorSelector: return Select(As<VectorSelector>(expr), ms);
    case ExprKind::kAggregate: return Aggregate(As<AggregateExpr>(expr), ms);
    case ExprKind::kBinary: return Binary(As<BinaryExpr>(expr), ms);
    case ExprKind::kCall: return EvalCall(As<promql::Call>(expr), ms);
    case ExprKind::kUnary: {
      const auto& unary = As<UnaryExpr>(expr);
      AnyValue value = Eval(*unary.expr, ms);
      if (!unary.negate) return value;
      if (auto* scalar = std::get_if<double>(&value)) return -*scalar;
      auto& vector = std::get<InstantVector>(value);
      for (Sample& sample : vector) {
        sample.f = -sample.f;
        if (sample.h != nullptr) {
          Histogram negated = *sample.h;
          Scale(negated, -1);
          sample.h = std::make_shared<Histogram>(negated);
        }
        DropName(sample);
      }
      CheckUnique(vector);
      return value;
    }
    case ExprKind::kMatrixSelector:
    case ExprKind::kSubquery:
    case ExprKind::kDuration: break;
  }
  throw QueryError("not to be evaluated alone");
}

RangeVector Evaluator::EvalRange(const Expr& expr, int64_t ms) {
  switch (expr.kind) {
    case ExprKind::kParen: return EvalRange(*As<ParenExpr>(expr).expr, ms);
    case ExprKind::kMatrixSelector: return SelectRange(As<MatrixSelector>(expr), ms);
    case ExprKind::kSubquery: return Subquery(As<SubqueryExpr>(expr), ms);
    default: throw QueryError("not a range vector");
  }
}

// Durations and times.

double Evaluator::DurationSeconds(const Expr& expr) const {
  if (expr.kind == ExprKind::kNumber) return As<NumberLiteral>(expr).value;
  if (expr.kind == ExprKind::kParen) return DurationSeconds(*As<ParenExpr>(expr).expr);
  const auto& duration = As<DurationExpr>(expr);
  const double left = duration.lhs != nullptr ? DurationSeconds(*duration.lhs) : 0;
  const double right = duration.rhs != nullptr ? DurationSeconds(*duration.rhs) : 0;
  using Op = DurationExpr::Op;
  switch (duration.op) {
    case Op::kAdd: return left + right;
    case Op::kSub: return left - right;
    case Op::kMul: return left * right;
    case Op::kDiv:
      if (right == 0) throw QueryError("division by zero");
      return left / right;
    case Op::kMod:
      if (right == 0) throw QueryError("modulo by zero");
      return std::fmod(left, right);
    case Op::kPow: return std::pow(left, right);
    case Op::kStep: return ToSeconds(times_.step);
    case Op::kRange: return ToSeconds(times_.end - times_.start);
    case Op::kMinOf: return Least(left, right);
    case Op::kMaxOf: return Greatest(left, right);
  }
  return 0;
}

int64_t Evaluator::DurationMs(Duration plain, const Expr* expr, bool may_be_negative) const {
  if (expr == nullptr) return plain.count();
  const double seconds = DurationSeconds(*expr);
  if (!std::isfinite(seconds)) throw QueryError("duration is NaN or infinite");
  if (seconds <= 0 && !may_be_negative) throw QueryError("duration must be greater than 0");
  return static_cast<int64_t>(seconds * 1000);
}

// The time that a selector looks at when the query is at `ms`.
int64_t Evaluator::Reference(const TimeModifiers& time, int64_t ms) const {
  if (const auto* at = std::get_if<Timestamp>(&time.at)) ms = ToMs(*at);
  if (std::holds_alternative<AtStart>(time.at)) ms = ToMs(times_.start);
  if (std::holds_alternative<AtEnd>(time.at)) ms = ToMs(times_.end);
  return ms - DurationMs(time.offset, time.offset_expr.get(), true);
}

// Selectors.

Point Evaluator::AsUsed(const Point& point) const {
  Point used = point;
  if (use_.only_totals()) used.h = point.totals;
  return used;
}

InstantVector Evaluator::Select(const VectorSelector& selector, int64_t ms) {
  const int64_t at = Reference(selector.time, ms);
  InstantVector found;
  for (const Data::Series& series : data_.series()) {
    if (!MatchesAll(selector.matchers, series.labels)) continue;
    if (selector.smoothed) {
      if (const auto point = Smooth(series, selector, at)) {
        found.push_back({series.labels, false, point->f, point->h, ms, 0});
      }
      continue;
    }
    const Point* last = nullptr;
    for (const Point& point : series.points) {
      if (point.ms <= at && point.ms > at - options_.lookback_ms) last = &point;
    }
    if (last == nullptr || last->stale) continue;
    found.push_back({series.labels, false, last->f, AsUsed(*last).h, last->ms, last->start_ms});
  }
  return found;
}

// The value between the samples on both sides, or the last one's.
std::optional<Point> Evaluator::Smooth(const Data::Series& series, const Expr& where, int64_t ms) {
  std::vector<Point> near;
  for (const Point& point : series.points) {
    const bool seen = point.ms > ms - options_.lookback_ms && point.ms <= ms + options_.lookback_ms;
    if (seen && !point.stale) near.push_back(AsUsed(point));
  }
  const std::string metric = Quote(series.labels.metric_name());
  const auto is_histogram = [](const Point& point) { return point.h != nullptr; };
  const auto histograms = std::ranges::count_if(near, is_histogram);
  if (histograms > 0 && histograms < std::ssize(near)) {
    Warn("encountered a mix of histograms and floats for metric name " + metric, where);
    return std::nullopt;
  }
  const Point* before = nullptr;
  const Point* after = nullptr;
  for (const Point& point : near) {
    if (point.ms <= ms) before = &point;
    if (point.ms >= ms && after == nullptr) after = &point;
  }
  if (before == nullptr) return std::nullopt;
  if (after == nullptr || before->ms == ms) return *before;
  const double fraction =
      static_cast<double>(ms - before->ms) / static_cast<double>(after->ms - before->ms);
  Point between = *before;
  if (histograms == 0) {
    between.f += (after->f - before->f) * static_cast<double>(ms - before->ms) /
                 static_cast<double>(after->ms - before->ms);
    return between;
  }
  Histogram result = *after->h;
  if (result.custom() != before->h->custom()) {
    Warn(
        "vector contains a mix of histograms with exponential and custom buckets schemas for "
        "metric name " +
            metric,
        where);
    return std::nullopt;
  }
  if (result.hint != CounterResetHint::kGauge && IsReset(result, *before->h)) {
    Scale(result, fraction);
  } else {
    NoteMerge(WithoutCollision(Merge(result, *before->h, -1)), "subtraction", where);
    Scale(result, fraction);
    NoteMerge(WithoutCollision(Merge(result, *before->h, 1)), "addition", where);
  }
  between.h = std::make_shared<Histogram>(result);
  return between;
}

RangeVector Evaluator::SelectRange(const MatrixSelector& matrix, int64_t ms) {
  const VectorSelector& selector = *matrix.vector;
  RangeVector range;
  range.end_ms = Reference(selector.time, ms);
  range.start_ms = range.end_ms - DurationMs(matrix.range, matrix.range_expr.get(), false);
  range.anchored = selector.anchored;
  range.smoothed = selector.smoothed;
  int64_t from = range.start_ms, to = range.end_ms;
  if (range.anchored || range.smoothed) from -= options_.lookback_ms;
  if (range.smoothed) to += options_.lookback_ms;
  for (const Data::Series& series : data_.series()) {
    if (!MatchesAll(selector.matchers, series.labels)) continue;
    Window window{series.labels, false, {}};
    for (const Point& point : series.points) {
      if (point.ms > from && point.ms <= to && !point.stale) window.points.push_back(AsUsed(point));
    }
    if (!window.points.empty()) range.series.push_back(std::move(window));
  }
  return range;
}

RangeVector Evaluator::Subquery(const SubqueryExpr& subquery, int64_t ms) {
  RangeVector range;
  range.end_ms = Reference(subquery.time, ms);
  range.start_ms = range.end_ms - DurationMs(subquery.range, subquery.range_expr.get(), false);
  int64_t step = DurationMs(subquery.step, subquery.step_expr.get(), false);
  if (step == 0) step = options_.subquery_step_ms;
  const HistogramUse outer = use_;
  use_.buckets = true;
  int64_t at = range.start_ms / step * step;
  while (at <= range.start_ms) at += step;
  if ((range.end_ms - at) / step > kMostSteps) {
    throw QueryError("query processing would load too many samples into memory in query execution");
  }
  std::map<Labels, Window> windows;
  const bool outer_has_many_steps = has_many_steps_;
  has_many_steps_ |= at != range.end_ms;  // it has where it does not end where it starts
  for (; at <= range.end_ms; at += step) {
    const AnyValue value = Eval(*subquery.expr, at);
    InstantVector samples;
    if (const auto* scalar = std::get_if<double>(&value)) {
      samples.push_back(Nameless(*scalar));
    } else {
      samples = std::get<InstantVector>(value);
    }
    for (const Sample& sample : samples) {
      Window& window = windows[sample.labels];
      window.labels = sample.labels;
      window.drop_name = sample.drop_name;
      window.points.push_back({at, sample.f, WithoutHint(sample.h), false, nullptr});
    }
  }
  use_ = outer;
  has_many_steps_ = outer_has_many_steps;
  for (auto& [labels, window] : windows) range.series.push_back(std::move(window));
  return range;
}

// Numbers.

void CompensatedSum::Add(double value) {
  const double next = sum + value;
  if (std::isinf(next)) {
    error = 0;
  } else if (std::abs(sum) >= std::abs(value)) {
    error += (sum - next) + value;
  } else {
    error += (value - next) + sum;
  }
  sum = next;
}
double CompensatedSum::total() const { return std::isinf(sum) ? sum : sum + error; }

double Mean(const std::vector<double>& values) {
  CompensatedSum sum;
  for (const double value : values) sum.Add(value);
  const bool finite = std::ranges::all_of(values, [](double v) { return std::isfinite(v); });
  if (!std::isinf(sum.sum) || !finite) return sum.total() / static_cast<double>(values.size());
  // It overflowed.
  long double wide = 0;
  for (const double value : values) wide += value;
  return static_cast<double>(wide / static_cast<long double>(values.size()));
}

double QuantileOf(double q, std::vector<double> values) {
  if (values.empty() || std::isnan(q)) return std::numeric_limits<double>::quiet_NaN();
  if (q < 0) return -kInf;
  if (q > 1) return kInf;
  std::ranges::sort(values,
                    [](double a, double b) { return a < b || (std::isnan(a) && !std::isnan(b)); });
  const double rank = q * static_cast<double>(values.size() - 1);
  const auto low = static_cast<size_t>(std::max(0.0, std::floor(rank)));
  const size_t high = std::min(values.size() - 1, low + 1);
  const double weight = rank - std::floor(rank);
  return values[low] * (1 - weight) + values[high] * weight;
}

double Least(double a, double b) {
  if (a == -kInf || b == -kInf) return -kInf;
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::quiet_NaN();
  if (a == 0 && b == 0) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}
double Greatest(double a, double b) {
  if (a == kInf || b == kInf) return kInf;
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::quiet_NaN();
  if (a == 0 && b == 0) return std::signbit(a) ? b : a;
  return a > b ? a : b;
}

}  // namespace barograph::promql::reference
