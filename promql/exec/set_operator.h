#pragma once

#include <optional>
#include <string>
#include <vector>

#include "promql/exec/matching.h"
#include "promql/exec/operator.h"

namespace barograph::promql {

/// and, or, unless: keep samples by whether the other side has one in the same match group at the
/// same step.
class SetOperator final : public Operator {
 public:
  SetOperator(QueryContext& context, BinaryOp op, const VectorMatching& matching, OperatorPtr lhs,
              OperatorPtr rhs);

  Status Start() override;
  Status Compute(Lane& lane, size_t index, Column& out) override;
  std::string name() const override { return std::string(ToString(op_)); }
  std::vector<const Operator*> inputs() const override { return {lhs_.get(), rhs_.get()}; }

 private:
  Status FindPresence();
  Status EvaluateUnmatched(const MatchGroup& group);

  BinaryOp op_;
  const VectorMatching& matching_;
  OperatorPtr lhs_;
  OperatorPtr rhs_;
  Matched matched_;
  HeldSamples held_;

  // By group, where the group has series on both sides: the steps at which the deciding side (the
  // right one; the left one for `or`) has a sample.
  std::vector<std::optional<StepSet>> presence_;
  Column column_;  // while it opens
};

}  // namespace barograph::promql
