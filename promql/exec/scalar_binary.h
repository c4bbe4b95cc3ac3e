#pragma once

#include <string>

#include "promql/exec/operator.h"
#include "promql/func/binary.h"

namespace barograph::promql {

/// A binary operator with a scalar on one side or both.
class ScalarBinary final : public Operator {
 public:
  struct Description {
    BinaryOp op = BinaryOp::kAdd;
    bool return_bool = false;
    PositionRange position;
  };

  ScalarBinary(QueryContext& context, const Description& description, OperatorPtr lhs,
               OperatorPtr rhs, bool lhs_is_scalar, bool rhs_is_scalar);

  Status Start() override;
  Status Compute(Lane& lane, size_t index, Column& out) override;
  std::string name() const override { return std::string(ToString(description_.op)); }
  std::vector<const Operator*> inputs() const override { return {lhs_.get(), rhs_.get()}; }
  bool reports() const override {
    return IsTrim(description_.op) || may_have_histograms() || Operator::reports();
  }

 private:
  Operator& vector() { return lhs_is_scalar_ ? *rhs_ : *lhs_; }
  Operator& scalar() { return lhs_is_scalar_ ? *lhs_ : *rhs_; }
  ComparisonResult comparison() const;
  void AnnotateTrimOfFloats(Lane& lane, size_t index, const Column& column) const;
  std::vector<HistogramRef> ApplyToHistogramSteps(Lane& lane, size_t index,
                                                  const Column& column) const;

  Description description_;
  OperatorPtr lhs_;
  OperatorPtr rhs_;
  bool lhs_is_scalar_;
  bool both_scalar_;
  Column scalar_column_;
};

}  // namespace barograph::promql
