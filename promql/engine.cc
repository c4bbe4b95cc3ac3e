#include "promql/engine.h"

#include <fmt/format.h>

#include <algorithm>

#include "promql/exec/result.h"
#include "promql/plan/estimate.h"
#include "promql/plan/plan.h"
#include "promql/plan/reuse.h"
#include "promql/result_cache.h"

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
      default_subquery_step_ms_(options_.default_subquery_step.count()),
      deadlines_(clock) {}

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
  options.use_start_timestamps = options_.use_start_timestamps;
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
  Stopwatch stopwatch(clock_);
  const auto expr = ParseExpr(query, options_.parser);
  if (!expr.has_value()) {
    return Fail(ErrorCode::kInvalidArgument, expr.error().front().Format(query));
  }
  const double parse_seconds = stopwatch.Lap();

  const Duration lookback = settings.lookback.value_or(options_.lookback);
  Plan plan = TRY(MakePlanFor(**expr, times, lookback));
  const double plan_seconds = stopwatch.Lap();

  const Duration timeout = std::min(settings.timeout.value_or(options_.timeout), options_.timeout);
  const auto deadline = clock_.Monotonic() + timeout;
  const DeadlineWatch::Work work(deadlines_, deadline, settings.stop);
  const Task task{query, **expr, storage, settings, lookback, deadline, work.token()};
  QueryResult result = TRY(EvaluateOrReuse(task, times, std::move(plan)));
  result.stats.parse_seconds = parse_seconds;
  result.stats.plan_seconds = plan_seconds;
  result.stats.exec_seconds = stopwatch.Lap();
  return result;
}

Result<QueryResult> Engine::EvaluateOrReuse(const Task& task, const QueryTimes& times,
                                            Plan plan) const {
  const bool may_reuse = options_.results != nullptr && task.settings.reuse &&
                         !task.settings.measure && !options_.delayed_name_removal &&
                         times.step.count() > 0;
  const auto reach = may_reuse ? FindReach(task.expr, plan, task.lookback) : std::nullopt;
  if (!reach) return TRY(Evaluate(task, times, std::move(plan))).result;
  return options_.results->Answer(
      {.key = KeyOf(task, times), .times = times, .reach = *reach}, task.storage,
      [&](QueryTimes part) -> Result<Evaluation> {
        const bool is_whole = part.start == times.start && part.end == times.end;
        Plan of_part =
            is_whole ? std::move(plan) : TRY(MakePlanFor(task.expr, part, task.lookback));
        return Evaluate(task, part, std::move(of_part));
      });
}

// All that the value at a step depends on, beside what is stored and the step's time.
std::string Engine::KeyOf(const Task& task, const QueryTimes& times) const {
  const int64_t step_ms = times.step.count();
  const int64_t phase_ms = (ToMs(times.start) % step_ms + step_ms) % step_ms;
  return fmt::format("{} {} {} {} {}", step_ms, phase_ms, task.lookback.count(),
                     default_subquery_step_ms_.load(), task.text);
}

Result<Evaluation> Engine::Evaluate(const Task& task, const QueryTimes& times, Plan plan) const {
  QueryContext context(task.storage, clock_,
                       {task.deadline, task.settings.stop, task.stop_or_deadline,
                        options_.max_samples, options_.max_memory},
                       {options_.delayed_name_removal}, {options_.workers, options_.fork_work},
                       task.settings.measure, std::move(plan.selections));
  TRY(context.Check());
  Evaluation evaluation;
  QueryResult& result = evaluation.result;
  result.value =
      TRY(EvaluatePlan(context, *plan.root, {task.lookback, IsRangeQuery(times), task.text},
                       result.stats.operators));
  result.annotations = context.annotations().Finish(task.text);
  const SampleCounts counts = context.sample_counts();
  result.stats.total_samples = counts.total;
  result.stats.read_samples = counts.read;
  Timestamp step = times.start;
  for (const uint64_t samples : counts.by_step) {
    result.stats.samples_by_step.push_back({step, samples});
    step += times.step;
  }
  result.stats.peak_samples = context.peak_samples();
  result.stats.peak_bytes = context.peak_bytes();
  evaluation.independent_steps = !context.dependent_steps();
  return evaluation;
}

}  // namespace barograph::promql
