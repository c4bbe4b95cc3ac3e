#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/metrics/registry.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/storage/queryable.h"
#include "promql/engine.h"
#include "promql/plan/reuse.h"
#include "promql/value.h"

namespace barograph::promql {

/// What the evaluation of a query gave.
struct Evaluation {
  QueryResult result;
  bool independent_steps = false;  ///< no step's value depends on which others there are
};

/// Keeps the answers of range queries, so that the same query a little later is evaluated only at
/// the steps that are new or that changed. What is kept is used where it is what an evaluation
/// would give, to the last bit: storage says what did not change since (Queryable::UnchangedSince),
/// and the plan how far each step looks (promql/plan/reuse.h).
///
/// Only answers without warnings and infos are kept. Queries share an answer when their text, step
/// and lookback are the same and their starts are whole steps apart. Bounded in memory: what was
/// not asked for the longest goes first. Thread-safe; all queries must ask the same storage.
class ResultCache {
 public:
  using Evaluate = std::function<Result<Evaluation>(QueryTimes)>;

  struct Request {
    std::string key;  ///< everything but the times that the answer depends on
    QueryTimes times;
    StepReach reach;
  };

  /// `max_bytes` for all answers together. The registry must outlive this.
  ResultCache(uint64_t max_bytes, MetricsRegistry& metrics);

  /// The answer, for which `evaluate` is called for all steps or for some; the stats are those of
  /// its calls, and tell in `reused_steps` what was not evaluated.
  Result<QueryResult> Answer(const Request& request, const Queryable& storage,
                             const Evaluate& evaluate);

 private:
  /// Steps of one grid.
  struct StepSpan {
    int64_t first_ms = 0;
    int64_t last_ms = -1;
    int64_t step_ms = 1;

    bool empty() const { return last_ms < first_ms; }
    uint64_t size() const {
      return empty() ? 0 : static_cast<uint64_t>((last_ms - first_ms) / step_ms) + 1;
    }
    StepSpan Within(const StepSpan& other) const;
  };
  using SeriesList = std::vector<ResultSeries>;  // in label order

  /// A known stretch of a query's answer: as if it was evaluated just after `mark`.
  struct Answered {
    StepSpan span;
    ChangeMark mark;
    std::shared_ptr<const SeriesList> series;
    uint64_t most_steps = 0;  ///< that were asked for at once
  };
  struct Entry {
    std::string key;
    Answered answered;
    uint64_t bytes = 0;
  };

  static StepSpan SpanOf(const QueryTimes& times);
  static StepSpan Unchanged(const Answered& known, const StepReach& reach,
                            const Queryable& storage);
  static SeriesList Slice(const SeriesList& series, const StepSpan& span);
  static SeriesList Join(SeriesList earlier, SeriesList later);

  Result<QueryResult> AnswerWhole(const Request& request, ChangeMark mark,
                                  const Evaluate& evaluate);
  std::optional<Result<QueryResult>> AnswerFrom(const Answered& known, const Request& request,
                                                ChangeMark mark, const Evaluate& evaluate);
  std::optional<Answered> Find(const std::string& key);
  void Keep(const std::string& key, Answered answered);
  void DropLast() REQUIRES(mutex_);

  const uint64_t max_bytes_;
  Gauge& bytes_shown_;
  Counter& steps_reused_;
  Counter& steps_evaluated_;

  Mutex mutex_;
  std::list<Entry> entries_ GUARDED_BY(mutex_);  // the last used one first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key_ GUARDED_BY(mutex_);
  uint64_t bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace barograph::promql
