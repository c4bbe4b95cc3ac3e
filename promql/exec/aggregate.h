#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "promql/exec/grouping.h"
#include "promql/exec/histogram_fold.h"
#include "promql/exec/operator.h"
#include "promql/func/fold.h"

/// Aggregations with one result series a group. A group is computed when it is asked for, from its
/// members one after the other, so that one column is held at a time.
namespace barograph::promql {

/// sum, avg, count, min, max, group, stddev, stdvar.
class FoldAggregate final : public Operator {
 public:
  FoldAggregate(QueryContext& context, const AggregateExpr& expr, OperatorPtr input);

  Status Start() override;
  Status Compute(Lane& lane, size_t index, Column& out) override;
  std::string name() const override { return std::string(ToString(expr_.op)); }
  std::vector<const Operator*> inputs() const override { return {input_.get()}; }
  bool reports() const override { return may_have_histograms() || Operator::reports(); }

 private:
  struct Local {
    explicit Local(const AggregateExpr& expr);
    std::unique_ptr<Fold> fold;
    HistogramFold histograms;
    std::vector<double> floats;  // what the fold has so far, for `histograms`
    Column column;
  };

  void HandleHistograms(Lane& lane, const SeriesMeta& series, Local& local, Column& column) const;

  const AggregateExpr& expr_;
  OperatorPtr input_;
  std::vector<SeriesGroup> groups_;
  PerLane<Local> locals_;
};

/// quantile(q, x): needs all of a group's values of a step at once.
class QuantileAggregate final : public Operator {
 public:
  QuantileAggregate(QueryContext& context, const AggregateExpr& expr, OperatorPtr parameter,
                    OperatorPtr input);

  Status Start() override;
  Status Compute(Lane& lane, size_t index, Column& out) override;
  std::string name() const override { return "quantile"; }
  std::vector<const Operator*> inputs() const override { return {parameter_.get(), input_.get()}; }
  bool reports() const override { return may_have_histograms() || Operator::reports(); }

 private:
  struct Local {
    std::vector<double> values;  // all members of a step, step after step
    Column column;
  };

  void CheckParameter();
  Status ComputeSteps(Lane& lane, Local& local, size_t members, Column& out) const;

  const AggregateExpr& expr_;
  OperatorPtr parameter_;
  OperatorPtr input_;
  Column quantiles_;
  std::vector<SeriesGroup> groups_;
  PerLane<Local> locals_;
};

/// count_values("label", x): a series for each group and value.
class CountValues final : public Operator {
 public:
  CountValues(QueryContext& context, const AggregateExpr& expr, OperatorPtr input);

  Status Start() override;
  Status Compute(Lane& lane, size_t index, Column& out) override;
  std::string name() const override { return "count_values"; }
  std::vector<const Operator*> inputs() const override { return {input_.get()}; }

 private:
  LabelSubset BaseLabels() const;
  using ByValue = std::unordered_map<std::string, size_t>;  // output series
  Status CountGroup(const SeriesGroup& group);
  Status CountColumn(Lane& lane, const SeriesGroup& group, const Column& column, ByValue& by_value);

  const AggregateExpr& expr_;
  OperatorPtr input_;
  std::string label_;
  bool value_is_shown_ = true;  // false for without (label)
  std::vector<std::vector<double>> counts_;
  HeldSamples held_;
};

}  // namespace barograph::promql
