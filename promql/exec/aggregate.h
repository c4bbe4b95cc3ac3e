#pragma once

#include <memory>
#include <string>
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

  Status Open() override;
  Status Evaluate(size_t index, Column& out) override;
  std::string name() const override { return std::string(ToString(expr_.op)); }
  std::vector<const Operator*> inputs() const override { return {input_.get()}; }

 private:
  void HandleHistograms(const SeriesMeta& series, Column& column);

  const AggregateExpr& expr_;
  OperatorPtr input_;
  std::unique_ptr<Fold> fold_;
  HistogramFold histograms_;
  std::vector<SeriesGroup> groups_;
  Column column_;
};

/// quantile(q, x): needs all of a group's values of a step at once.
class QuantileAggregate final : public Operator {
 public:
  QuantileAggregate(QueryContext& context, const AggregateExpr& expr, OperatorPtr parameter,
                    OperatorPtr input);

  Status Open() override;
  Status Evaluate(size_t index, Column& out) override;
  std::string name() const override { return "quantile"; }
  std::vector<const Operator*> inputs() const override { return {parameter_.get(), input_.get()}; }

 private:
  void CheckParameter();
  Status ComputeSteps(size_t members, Column& out);

  const AggregateExpr& expr_;
  OperatorPtr parameter_;
  OperatorPtr input_;
  Column quantiles_;
  std::vector<SeriesGroup> groups_;
  std::vector<double> values_;  // the members' columns, one after the other
  std::vector<double> at_step_;
  Column column_;
};

/// count_values("label", x): a series for each group and value.
class CountValues final : public Operator {
 public:
  CountValues(QueryContext& context, const AggregateExpr& expr, OperatorPtr input);

  Status Open() override;
  Status Evaluate(size_t index, Column& out) override;
  std::string name() const override { return "count_values"; }
  std::vector<const Operator*> inputs() const override { return {input_.get()}; }

 private:
  LabelSubset BaseLabels() const;
  Status CountGroup(const SeriesGroup& group);

  const AggregateExpr& expr_;
  OperatorPtr input_;
  std::string label_;
  bool value_is_shown_ = true;  // false for without (label)
  std::vector<std::vector<double>> counts_;
  HeldSamples held_;
};

}  // namespace barograph::promql
