#pragma once

#include <string>
#include <string_view>

#include "promql/exec/operator.h"

/// Operators that make values of nothing, or of one step.
namespace barograph::promql {

/// One number at every step.
class Constant final : public Operator {
 public:
  Constant(QueryContext& context, StepGrid grid, double value)
      : Operator(context, grid), value_(value) {}

  Status Start() override;
  Status Compute(Lane& lane, size_t index, Column& out) override;
  std::string name() const override;

 private:
  double value_;
};

/// time(): each step's own time in seconds.
class EvaluationTime final : public Operator {
 public:
  using Operator::Operator;
  Status Start() override;
  Status Compute(Lane& lane, size_t index, Column& out) override;
  std::string name() const override { return "time()"; }
};

/// What does not depend on the step: evaluated at one, repeated at all.
class Repeat final : public Operator {
 public:
  Repeat(QueryContext& context, StepGrid grid, OperatorPtr input)
      : Operator(context, grid), input_(std::move(input)), columns_(context.lanes()) {}

  Status Start() override;
  Status Compute(Lane& lane, size_t index, Column& out) override;
  std::string name() const override { return "step invariant"; }
  std::vector<const Operator*> inputs() const override { return {input_.get()}; }

 private:
  OperatorPtr input_;
  PerLane<Column> columns_;
};

/// The series of its input, without a sample: what a function gives that has no result for it.
class NoSamples final : public Operator {
 public:
  NoSamples(QueryContext& context, std::string_view function, OperatorPtr input)
      : Operator(context, input->grid()), function_(function), input_(std::move(input)) {}

  Status Start() override;
  Status Compute(Lane& lane, size_t index, Column& out) override;
  std::string name() const override { return std::string(function_); }
  std::vector<const Operator*> inputs() const override { return {input_.get()}; }

 private:
  std::string_view function_;
  OperatorPtr input_;
};

}  // namespace barograph::promql
