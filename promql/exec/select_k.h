#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "promql/exec/grouping.h"
#include "promql/exec/operator.h"

namespace barograph::promql {

/// topk, bottomk, limitk and limit_ratio: some of each group's samples at each step, under their
/// own labels. Holds k samples a group and step.
class SelectK final : public Operator {
 public:
  SelectK(QueryContext& context, const AggregateExpr& expr, OperatorPtr parameter,
          OperatorPtr input);

  Status Start() override;
  Status Compute(Lane& lane, size_t index, Column& out) override;
  std::string name() const override { return std::string(ToString(expr_.op)); }
  std::vector<const Operator*> inputs() const override { return {parameter_.get(), input_.get()}; }

 private:
  struct Point {
    uint32_t step;
    double value;
    HistogramRef histogram;
  };

  bool ranked() const {
    return expr_.op == AggregateOp::kTopK || expr_.op == AggregateOp::kBottomK;
  }
  Result<bool> CheckParameter();
  Result<bool> CheckCount(double low, double high, bool any_nan) const;
  Result<bool> CheckRatio(double low, double high, bool any_nan);
  std::vector<size_t> CountsFor(const SeriesGroup& group) const;

  Status SelectFrom(const SeriesGroup& group);
  Status SelectRanked(const SeriesGroup& group);
  static void EraseUnasked(const std::vector<size_t>& counts, Column& column);
  Status SelectFirst(const SeriesGroup& group);
  Status SelectByRatio(const SeriesGroup& group);
  Status AddPoint(uint32_t series, Point point);

  const AggregateExpr& expr_;
  OperatorPtr parameter_;
  OperatorPtr input_;
  Column parameters_;
  std::vector<std::vector<Point>> points_;        // by output series
  std::unordered_map<uint32_t, size_t> outputs_;  // by input series
  Column column_;                                 // while it opens
  HeldSamples held_;
};

/// Where limit_ratio finds a series between 0 and 1: Prometheus's hash of its labels.
double RatioOffset(const Labels& labels);

}  // namespace barograph::promql
