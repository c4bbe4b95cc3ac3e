#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/storage/queryable.h"
#include "base/time.h"
#include "promql/parse/parser.h"
#include "promql/value.h"

/// The query engine: text and times in, values out.
namespace barograph::promql {

struct EngineOptions {
  Duration lookback{std::chrono::minutes(5)};
  Duration timeout{std::chrono::minutes(2)};
  Duration default_subquery_step{std::chrono::minutes(1)};  ///< global.evaluation_interval
  uint64_t max_samples = 50'000'000;                        ///< in memory at once, a query
  bool delayed_name_removal = false;  ///< --enable-feature=promql-delayed-name-removal
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
};

struct QueryStats {
  uint64_t total_samples = 0;  ///< samples the query looked at, as Prometheus counts them
  uint64_t peak_samples = 0;   ///< the most that it held at once
  double parse_seconds = 0;
  double plan_seconds = 0;
  double exec_seconds = 0;
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

/// Thread-safe. Queries run on the calling thread. Storage must outlive the engine's calls.
/// Errors: InvalidArgument (the text does not parse, or a range query's type is wrong), Timeout,
/// Cancelled, LimitExceeded (max_samples), Execution (many-to-many matching, duplicate series and
/// the like), and whatever storage returns.
class Engine {
 public:
  Engine(EngineOptions options, const Clock& clock);
  ~Engine();

  Result<QueryResult> Run(std::string_view query, const Queryable& storage, QueryTimes times,
                          const QuerySettings& settings = {}) const;

  const EngineOptions& options() const { return options_; }

  /// Replaces what a configuration reload may change.
  void set_default_subquery_step(Duration step);

 private:
  EngineOptions options_;
  const Clock& clock_;
  std::atomic<Duration::rep> default_subquery_step_ms_;
};

}  // namespace barograph::promql
