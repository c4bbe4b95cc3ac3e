#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "promql/exec/column.h"
#include "promql/exec/context.h"
#include "promql/exec/grid.h"
#include "promql/exec/series.h"

/// The operators that evaluate a plan. An operator first tells its series, then computes any of
/// them over all steps into the caller's column. Consumers fold columns as they come, so what a
/// query holds grows with its groups and not with its series.
namespace barograph::promql {

/// One thread at a time. Scalars are operators with one series without labels that is present at
/// every step.
class Operator {
 public:
  Operator(QueryContext& context, StepGrid grid) : context_(context), grid_(grid) {}
  virtual ~Operator() = default;
  Operator(const Operator&) = delete;
  Operator& operator=(const Operator&) = delete;

  /// Finds the series. Called once, before anything else; series() holds from then on.
  virtual Status Open() = 0;

  /// The series, in the order in which an instant query shows them. Some may turn out to have no
  /// sample at any step.
  const std::vector<SeriesMeta>& series() const { return series_; }

  /// Computes series `index` at every step of grid() into `out`, whatever it held. Cheapest in
  /// order and once each; any order and repetition is allowed.
  virtual Status Evaluate(size_t index, Column& out) = 0;

  /// What it does, on one line, such as `rate(http_requests_total[5m])`; and its inputs. For
  /// explain.
  virtual std::string name() const = 0;
  virtual std::vector<const Operator*> inputs() const { return {}; }

  /// Whether evaluating some series may fail or annotate the query, so that a consumer that does
  /// not need a series has to evaluate it all the same. Known after Open.
  virtual bool reports() const;

  const StepGrid& grid() const { return grid_; }
  size_t steps() const { return grid_.count; }

 protected:
  QueryContext& context() const { return context_; }
  std::vector<SeriesMeta> series_;

 private:
  QueryContext& context_;
  const StepGrid grid_;
};
using OperatorPtr = std::unique_ptr<Operator>;

/// Evaluates series that nobody needs, for what they may report.
Status EvaluateForReports(Operator& input, size_t index, Column& scratch);

/// The tree of operators, one a line, inputs indented below.
std::string Explain(const Operator& root);

}  // namespace barograph::promql
