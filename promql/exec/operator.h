#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "promql/exec/column.h"
#include "promql/exec/context.h"
#include "promql/exec/grid.h"
#include "promql/exec/lane.h"
#include "promql/exec/series.h"

/// The operators that evaluate a plan. An operator first tells its series, then computes any of
/// them over all steps into the caller's column. Consumers fold columns as they come, so what a
/// query holds grows with its groups and not with its series.
namespace barograph::promql {

/// Opened on one thread; then different lanes may evaluate at the same time, and what they write
/// they keep by lane (PerLane). Scalars are operators with one series without labels that is
/// present at every step.
class Operator {
 public:
  Operator(QueryContext& context, StepGrid grid)
      : context_(context),
        grid_(grid),
        id_(context.NewOperatorId()),
        counted_for_(context.counted_for()) {}
  virtual ~Operator() = default;
  Operator(const Operator&) = delete;
  Operator& operator=(const Operator&) = delete;

  /// Finds the series. Called once, before anything else; series() holds from then on.
  Status Open();

  /// The series, in the order in which an instant query shows them. Some may turn out to have no
  /// sample at any step.
  const std::vector<SeriesMeta>& series() const { return series_; }

  /// Computes series `index` at every step of grid() into `out`, whatever it held. Cheapest in
  /// order and once each; any order and repetition is allowed.
  Status Evaluate(Lane& lane, size_t index, Column& out) {
    return context_.measures() ? Measure(lane, index, out) : Compute(lane, index, out);
  }

  /// What it does, on one line, such as `rate(http_requests_total[5m])`; and its inputs. For
  /// reports of what a query cost.
  virtual std::string name() const = 0;
  virtual std::vector<const Operator*> inputs() const { return {}; }

  /// Whether evaluating some series may fail or annotate the query, so that a consumer that does
  /// not need a series has to evaluate it all the same. Known after Open.
  virtual bool reports() const;

  /// Whether there may be native histograms among its samples, of which operators have more to
  /// report than of floats. Known after Open.
  virtual bool may_have_histograms() const;

  const StepGrid& grid() const { return grid_; }
  size_t steps() const { return grid_.count; }

  /// Tells it from the query's other operators: their costs are counted by it.
  size_t id() const { return id_; }

 protected:
  /// What Open and Evaluate do.
  virtual Status Start() = 0;
  virtual Status Compute(Lane& lane, size_t index, Column& out) = 0;

  /// Counts samples that it looked at: so many in all, and at each of its steps what `at` gives;
  /// and how many it `read` of storage.
  template <typename At>
  void CountSamples(Lane& lane, uint64_t total, uint64_t read, At at) const {
    lane.CountSamples(total);
    lane.counts().total += total * TimesCounted();
    lane.counts().read += read;
    if (lane.counts().by_step.empty() || counted_for_ == CountedFor::kNone) return;
    for (size_t step = 0; step < steps(); ++step) CountAtStep(lane, step, at(step));
  }

  QueryContext& context() const { return context_; }
  std::vector<SeriesMeta> series_;

 private:
  Status Measure(Lane& lane, size_t index, Column& out);
  uint64_t TimesCounted() const;
  void CountAtStep(Lane& lane, size_t step, uint64_t samples) const;

  QueryContext& context_;
  const StepGrid grid_;
  const size_t id_;
  const CountedFor counted_for_;
};
using OperatorPtr = std::unique_ptr<Operator>;

/// Evaluates series that nobody needs, for what they may report.
Status EvaluateForReports(Lane& lane, Operator& input, size_t index, Column& scratch);

}  // namespace barograph::promql
