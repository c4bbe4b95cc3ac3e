#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "base/storage/queryable.h"
#include "base/time.h"
#include "base/worker_pool.h"
#include "promql/exec/annotator.h"
#include "promql/exec/lane.h"
#include "promql/exec/series.h"

/// What the operators of one query share: storage, limits, and what they report.
namespace barograph::promql {

/// What a selector reads: the matchers and all times that the query needs of it. Selectors with
/// the same matchers share one.
struct SelectionSpec {
  Matchers matchers;
  TimeRange range;
  SelectHints hints;
};

/// When a query must end. `deadline` is in the clock's monotonic time.
struct QueryLimits {
  std::chrono::nanoseconds deadline;
  std::stop_token stop;              ///< for other reasons than the deadline
  std::stop_token stop_or_deadline;  ///< for storage, which does not look at the clock
  uint64_t max_samples;
  uint64_t max_bytes;
};

/// Over how many threads a query may be spread, and when.
struct Parallelism {
  WorkerPool* workers = nullptr;  ///< none: one thread
  uint64_t fork_work = 0;  ///< nanoseconds of work, about, for which others are asked to help
};

/// Which of the query's steps the samples of an operator count for. As in Prometheus, what a query
/// evaluates once counts for every step, and of a subquery its own samples alone count.
enum class CountedFor : uint8_t {
  kOwnSteps,   ///< its grid is the query's
  kEveryStep,  ///< it is evaluated at one step for all
  kLastStep,   ///< of a subquery that is the query
  kNone,       ///< of a subquery inside
};

/// What is said to be thread-safe is for all lanes, the rest for the main one before and after they
/// run.
class QueryContext {
 public:
  QueryContext(const Queryable& storage, const Clock& clock, QueryLimits limits, Naming naming,
               Parallelism parallelism, bool measures, std::vector<SelectionSpec> selections);

  Lane& main() { return *lanes_[0]; }
  Lane& lane(size_t index) { return *lanes_[index]; }
  size_t lanes() const { return lanes_.size(); }
  WorkerPool* workers() const { return parallelism_.workers; }
  uint64_t fork_work() const { return parallelism_.fork_work; }

  /// Whether the costs of operators are measured.
  bool measures() const { return measures_; }
  /// Numbers from 0 on, one for each operator.
  size_t NewOperatorId();
  /// By operator, all lanes together.
  std::vector<OperatorCost> costs() const;

  Naming naming() const { return naming_; }
  Annotator& annotations() { return annotations_; }

  /// The series of selection `index`; storage is asked once.
  struct Selected {
    std::unique_ptr<Selection> selection;
    std::vector<const Labels*> labels;
  };
  Result<const Selected*> Select(size_t index);

  /// Labels that live as long as the query.
  const Labels* Keep(Labels labels);

  /// Whether the query is over its time or memory, or cancelled: Timeout, LimitExceeded or
  /// Cancelled. Thread-safe. Lane::Work asks at intervals.
  Status Check() const;

  /// Counts samples and bytes that are now held in memory: LimitExceeded over max_samples or
  /// max_bytes. Thread-safe.
  Status Hold(size_t samples, size_t bytes);
  void Release(size_t samples, size_t bytes);

  /// Counts samples by step from now on, of a query of so many.
  void CountBySteps(size_t steps);
  /// What operators that are made from now on count their samples for; gives what it was.
  CountedFor SetCountedFor(CountedFor counted_for);
  CountedFor counted_for() const { return counted_for_; }
  size_t query_steps() const { return query_steps_; }
  void set_query_steps(size_t steps) { query_steps_ = steps; }

  /// Of all lanes together.
  SampleCounts sample_counts() const;
  /// Lane::NoteDependentSteps, of any lane.
  bool dependent_steps() const;
  uint64_t peak_samples() const { return peak_samples_; }
  uint64_t peak_bytes() const { return peak_bytes_; }

 private:
  Status CheckBytes(uint64_t bytes) const;

  const Queryable& storage_;
  const Clock& clock_;
  QueryLimits limits_;
  Naming naming_;
  Parallelism parallelism_;
  bool measures_;
  std::vector<SelectionSpec> specs_;
  std::vector<Selected> selections_;  // a null selection was not asked for yet
  std::deque<Labels> kept_labels_;
  Annotator annotations_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  size_t operators_ = 0;
  size_t query_steps_ = 1;
  CountedFor counted_for_ = CountedFor::kOwnSteps;
  std::atomic<uint64_t> held_samples_ = 0;
  std::atomic<uint64_t> held_bytes_ = 0;
  std::atomic<uint64_t> peak_samples_ = 0;
  std::atomic<uint64_t> peak_bytes_ = 0;
};

/// Samples that an operator holds, and bytes: counted while this lives. Thread-safe.
class HeldSamples {
 public:
  explicit HeldSamples(QueryContext& context) : context_(context) {}
  ~HeldSamples() { context_.Release(samples_, bytes_); }
  HeldSamples(const HeldSamples&) = delete;
  HeldSamples& operator=(const HeldSamples&) = delete;

  /// Samples of a column.
  Status Add(size_t samples) { return Add(samples, samples * sizeof(double)); }
  Status AddBytes(size_t bytes) { return Add(0, bytes); }
  Status Add(size_t samples, size_t bytes) {
    samples_ += samples;
    bytes_ += bytes;
    return context_.Hold(samples, bytes);
  }

 private:
  QueryContext& context_;
  std::atomic<size_t> samples_ = 0;
  std::atomic<size_t> bytes_ = 0;
};

/// The error of a query that would hold more than `--query.max-samples`.
Error TooManySamples();

}  // namespace barograph::promql
