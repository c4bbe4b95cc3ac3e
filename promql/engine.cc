#include "promql/engine.h"

#include <fmt/format.h>

#include <algorithm>

#include "promql/exec/result.h"
#include "promql/plan/estimate.h"
#include "promql/plan/plan.h"

namespace barograph::promql {
namespace {

// Times beyond are refused: there, offsets and ranges would overflow.
constexpr int64_t kFarthestMs = ToMs(kMaxTimestamp) / 2;

bool IsRangeQuery(const QueryTimes& times) {
  return times.step.count() > 0 || times.start != times.end;
}

Status CheckTimes(const QueryTimes& times) {
  for (const Timestamp time : {times.start, times.end}) {
    if (ToMs(time) < -kFarthestMs || ToMs(time) > kFarthestMs) {
      return Fail(ErrorCode::kInvalidArgument, "evaluation time is out of range");
    }
  }
  if (times.end < times.start) {
    return Fail(ErrorCode::kInvalidArgument, "end time is before start time");
  }
  if (times.step.count() < 0 || (times.step.count() == 0 && times.start != times.end)) {
    return Fail(ErrorCode::kInvalidArgument, "the step of a range query must be positive");
  }
  return {};
}

Status CheckType(const Expr& expr, const QueryTimes& times) {
  const ValueType type = TypeOf(expr);
  if (!IsRangeQuery(times) || type == ValueType::kScalar || type == ValueType::kVector) return {};
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("invalid expression type \"{}\" for range query, must be Scalar or "
                          "instant Vector",
                          DocumentedName(type)));
}

// Tells the seconds between its calls.
class Stopwatch {
 public:
  explicit Stopwatch(const Clock& clock) : clock_(clock), last_(clock.Monotonic()) {}
  double Lap() {
    const auto now = clock_.Monotonic();
    const std::chrono::duration<double> lap = now - last_;
    last_ = now;
    return lap.count();
  }

 private:
  const Clock& clock_;
  std::chrono::nanoseconds last_;
};

}  // namespace

Engine::Engine(EngineOptions options, const Clock& clock)
    : options_(options),
      clock_(clock),
      default_subquery_step_ms_(options_.default_subquery_step.count()) {}

Engine::~Engine() = default;

void Engine::set_default_subquery_step(Duration step) { default_subquery_step_ms_ = step.count(); }

Result<Plan> Engine::MakePlanFor(const Expr& expr, const QueryTimes& times,
                                 Duration lookback) const {
  TRY(CheckTimes(times));
  TRY(CheckType(expr, times));
  PlanOptions options;
  options.lookback = lookback;
  options.default_subquery_step = Duration(default_subquery_step_ms_.load());
  options.max_steps = options_.max_samples;
  return MakePlan(expr, times, options);
}

Result<std::vector<PlanLine>> Engine::Explain(std::string_view query, const Queryable* storage,
                                              QueryTimes times,
                                              const QuerySettings& settings) const {
  const auto expr = ParseExpr(query, options_.parser);
  if (!expr.has_value()) {
    return Fail(ErrorCode::kInvalidArgument, expr.error().front().Format(query));
  }
  const Plan plan = TRY(MakePlanFor(**expr, times, settings.lookback.value_or(options_.lookback)));
  std::vector<SelectionEstimate> estimates;
  for (const SelectionSpec& selection : plan.selections) {
    if (storage == nullptr) break;
    estimates.push_back(TRY(EstimateSelection(*storage, selection, settings.stop)));
  }
  return DescribePlan(plan, query, estimates);
}

Result<QueryResult> Engine::Run(std::string_view query, const Queryable& storage, QueryTimes times,
                                const QuerySettings& settings) const {
  QueryResult result;
  Stopwatch stopwatch(clock_);
  const auto expr = ParseExpr(query, options_.parser);
  if (!expr.has_value()) {
    return Fail(ErrorCode::kInvalidArgument, expr.error().front().Format(query));
  }
  result.stats.parse_seconds = stopwatch.Lap();

  const Duration lookback = settings.lookback.value_or(options_.lookback);
  Plan plan = TRY(MakePlanFor(**expr, times, lookback));
  result.stats.plan_seconds = stopwatch.Lap();

  const Duration timeout = std::min(settings.timeout.value_or(options_.timeout), options_.timeout);
  QueryContext context(
      storage, clock_,
      {clock_.Monotonic() + timeout, settings.stop, options_.max_samples, options_.max_memory},
      {options_.delayed_name_removal}, {options_.workers, options_.fork_work}, settings.measure,
      std::move(plan.selections));
  TRY(context.Check());
  result.value = TRY(EvaluatePlan(context, *plan.root, {lookback, IsRangeQuery(times), query},
                                  result.stats.operators));
  result.annotations = context.annotations().Finish(query);
  result.stats.total_samples = context.total_samples();
  result.stats.peak_samples = context.peak_samples();
  result.stats.peak_bytes = context.peak_bytes();
  result.stats.exec_seconds = stopwatch.Lap();
  return result;
}

}  // namespace barograph::promql
