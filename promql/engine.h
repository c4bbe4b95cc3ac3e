#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/deadline_watch.h"
#include "base/result.h"
#include "base/storage/queryable.h"
#include "base/time.h"
#include "base/worker_pool.h"
#include "promql/parse/parser.h"
#include "promql/value.h"

/// The query engine: text and times in, values out.
namespace barograph::promql {

struct Evaluation;
struct Expr;
struct Plan;
struct PlanLine;
class ResultCache;

struct EngineOptions {
  Duration lookback{std::chrono::minutes(5)};
  Duration timeout{std::chrono::minutes(2)};
  Duration default_subquery_step{std::chrono::minutes(1)};  ///< global.evaluation_interval
  uint64_t max_samples = 50'000'000;                        ///< in memory at once, a query
  uint64_t max_memory = uint64_t{2} << 30;                  ///< bytes, a query

  /// The threads that help with queries of more than about `fork_work` nanoseconds; without, each
  /// runs on one. Must outlive the engine.
  WorkerPool* workers = nullptr;
  uint64_t fork_work = 400'000;

  /// Keeps answers of range queries (QuerySettings::reuse); null keeps none. Must outlive the
  /// engine, which then asks one storage only.
  ResultCache* results = nullptr;

  bool delayed_name_removal = false;  ///< --enable-feature=promql-delayed-name-removal
  bool use_start_timestamps = false;  ///< --enable-feature=use-start-timestamps
  ParserOptions parser;
};

/// When to evaluate: once at `start` where `end` == `start` and step is 0, or at start, start +
/// step, ... up to `end`.
struct QueryTimes {
  Timestamp start;
  Timestamp end;
  Duration step{0};
};

struct QuerySettings {
  std::optional<Duration> lookback;  ///< over the engine's
  std::optional<Duration> timeout;   ///< at most the engine's
  std::stop_token stop;              ///< cancels the query: Cancelled
  bool measure = false;              ///< what each operator and step costs: QueryStats
  bool reuse = false;                ///< a kept answer will do, in whole or in part
};

/// What one operator cost in a query, without its inputs.
struct OperatorReport {
  size_t depth = 0;  ///< in the tree of operators, which is reported from the root on
  std::string name;
  uint64_t series = 0;   ///< columns computed; a series that is asked for twice counts twice
  uint64_t samples = 0;  ///< samples looked at
  double seconds = 0;    ///< of all threads together
};

/// The samples that a query looked at for one of its steps.
struct StepSamples {
  Timestamp time;
  uint64_t samples = 0;
};

struct QueryStats {
  /// Samples the query looked at, as Prometheus counts them, but a native histogram as one; again
  /// for each thread where a binary operator needs a series on several.
  uint64_t total_samples = 0;
  uint64_t read_samples = 0;  ///< the same, but each stored sample once, not once a window
  std::vector<StepSamples> samples_by_step;  ///< the same, where the query was measured
  uint64_t peak_samples = 0;                 ///< the most that it held at once
  uint64_t peak_bytes = 0;                   ///< of memory, as --query.max-memory counts
  uint64_t reused_steps = 0;                 ///< from a kept answer, and not evaluated
  double parse_seconds = 0;
  double plan_seconds = 0;
  double exec_seconds = 0;
  std::vector<OperatorReport> operators;  ///< where they were measured
};

/// Warnings and infos, each once, in the order they were raised, texts with positions as
/// Prometheus words them.
struct Annotations {
  std::vector<std::string> warnings;
  std::vector<std::string> infos;
};

struct QueryResult {
  Value value;
  Annotations annotations;
  QueryStats stats;
};

/// Thread-safe. Queries run on the calling thread, and on those that help. Storage must outlive the
/// engine's calls. Errors: InvalidArgument (the text does not parse, or a range query's type is
/// wrong), Timeout, Cancelled, LimitExceeded (max_samples, max_memory), Execution (many-to-many
/// matching, duplicate series and the like), and whatever storage returns.
class Engine {
 public:
  Engine(EngineOptions options, const Clock& clock);
  ~Engine();

  Result<QueryResult> Run(std::string_view query, const Queryable& storage, QueryTimes times,
                          const QuerySettings& settings = {}) const;

  /// What a query would do, and about how much it would read: line by line
  /// (promql/plan/estimate.h). Without `storage` there are no estimates.
  Result<std::vector<PlanLine>> Explain(std::string_view query, const Queryable* storage,
                                        QueryTimes times, const QuerySettings& settings = {}) const;

  const EngineOptions& options() const { return options_; }

  /// Replaces what a configuration reload may change.
  void set_default_subquery_step(Duration step);

 private:
  /// A query that parsed.
  struct Task {
    std::string_view text;
    const Expr& expr;
    const Queryable& storage;
    const QuerySettings& settings;
    Duration lookback;
    std::chrono::nanoseconds deadline;
    std::stop_token stop_or_deadline;
  };

  Result<Plan> MakePlanFor(const Expr& expr, const QueryTimes& times, Duration lookback) const;
  Result<Evaluation> Evaluate(const Task& task, const QueryTimes& times, Plan plan) const;
  Result<QueryResult> EvaluateOrReuse(const Task& task, const QueryTimes& times, Plan plan) const;
  std::string KeyOf(const Task& task, const QueryTimes& times) const;

  EngineOptions options_;
  const Clock& clock_;
  std::atomic<Duration::rep> default_subquery_step_ms_;
  mutable DeadlineWatch deadlines_;
};

}  // namespace barograph::promql
