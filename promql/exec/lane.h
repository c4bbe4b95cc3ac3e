#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "promql/exec/annotator.h"

/// A query runs on one thread or on several; a lane is what each of them has of its own.
namespace barograph::promql {

class QueryContext;

/// What an operator cost, without its inputs.
struct OperatorCost {
  uint64_t series = 0;   ///< columns computed
  uint64_t samples = 0;  ///< samples looked at
  std::chrono::nanoseconds time{0};

  OperatorCost& operator+=(const OperatorCost& other);
};

/// Samples that a query looks at, as its statistics tell them.
struct SampleCounts {
  uint64_t total = 0;
  uint64_t read = 0;              ///< the same, but of stored samples each once, not once a window
  std::vector<uint64_t> by_step;  ///< empty: not wanted
};

/// One thread at a time.
class Lane {
 public:
  Lane(const QueryContext& context, size_t index, Annotator& annotations)
      : context_(context), index_(index), annotations_(&annotations) {}

  /// 0 is the thread that asks the query.
  size_t index() const { return index_; }

  /// To be called for every series with the samples touched: Timeout, Cancelled or LimitExceeded
  /// (memory), looked up whenever enough work was done since the last time, a fraction of a
  /// millisecond.
  Status Work(size_t samples) {
    const size_t work = samples + kWorkPerCall;
    work_ += work;
    unchecked_ += work;
    return unchecked_ < kWorkPerCheck ? Status() : Check();
  }
  Status Check();

  /// All work so far: about nanoseconds.
  uint64_t work() const { return work_; }

  /// Counts samples looked at, for what operators cost.
  void CountSamples(uint64_t samples) { samples_ += samples; }
  uint64_t samples() const { return samples_; }

  /// The samples that the statistics count: of the whole query, and where that is asked for, by
  /// step. Operator::CountSamples knows what counts.
  SampleCounts& counts() { return counts_; }
  const SampleCounts& counts() const { return counts_; }

  /// Notes that what is computed at a step depends on which steps the query has.
  void NoteDependentSteps() { dependent_steps_ = true; }
  bool dependent_steps() const { return dependent_steps_; }

  Annotator& annotations() { return *annotations_; }
  /// Where annotations go from now on; gives where they went.
  Annotator& Redirect(Annotator& annotations);

  /// Whether work of this lane is already shared out among all.
  bool forked() const { return forked_; }
  void set_forked(bool forked) { forked_ = forked; }

  /// The costs by operator, where they are measured.
  std::vector<OperatorCost>& costs() { return costs_; }
  const std::vector<OperatorCost>& costs() const { return costs_; }

 private:
  friend class CostMeter;
  static constexpr size_t kWorkPerCall = 64;
  static constexpr size_t kWorkPerCheck = 1 << 17;

  const QueryContext& context_;
  size_t index_;
  Annotator* annotations_;
  size_t unchecked_ = 0;
  uint64_t work_ = 0;
  uint64_t samples_ = 0;
  SampleCounts counts_;
  bool forked_ = false;
  bool dependent_steps_ = false;
  std::vector<OperatorCost> costs_;
  OperatorCost of_inputs_;  // what the operators called by the running one cost
};

/// Measures one call of an operator.
class CostMeter {
 public:
  CostMeter(Lane& lane, size_t operator_id);
  ~CostMeter();
  CostMeter(const CostMeter&) = delete;
  CostMeter& operator=(const CostMeter&) = delete;

  void CountSeries() { series_ = 1; }

 private:
  Lane& lane_;
  size_t id_;
  OperatorCost outer_inputs_;
  uint64_t samples_before_;
  uint64_t series_ = 0;
  std::chrono::steady_clock::time_point start_;
};

/// One T for each lane, made before they run.
template <typename T>
class PerLane {
 public:
  /// Each is made of `arguments`.
  template <typename... Arguments>
  explicit PerLane(size_t lanes, const Arguments&... arguments) {
    values_.reserve(lanes);
    for (size_t i = 0; i < lanes; ++i) values_.push_back(std::make_unique<T>(arguments...));
  }
  T& operator[](const Lane& lane) { return *values_[lane.index()]; }

 private:
  std::vector<std::unique_ptr<T>> values_;
};

}  // namespace barograph::promql
