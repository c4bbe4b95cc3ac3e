#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "promql/exec/operator.h"
#include "promql/func/math.h"
#include "promql/func/native_histogram.h"

namespace barograph::promql {

/// A function of each float of its input, such as abs(x) or clamp_max(x, 3). Histograms are left
/// out, and series lose their names.
class Map final : public Operator {
 public:
  /// `scalars` are the other arguments, in order.
  Map(QueryContext& context, const MapFunction& function, OperatorPtr input,
      std::vector<OperatorPtr> scalars)
      : Operator(context, input->grid()),
        function_(function),
        input_(std::move(input)),
        scalars_(std::move(scalars)),
        scalar_columns_(scalars_.size()) {}

  Status Start() override;
  Status Compute(Lane& lane, size_t index, Column& out) override;
  std::string name() const override { return std::string(function_.name); }
  std::vector<const Operator*> inputs() const override;

 private:
  const MapFunction& function_;
  OperatorPtr input_;
  std::vector<OperatorPtr> scalars_;
  std::vector<Column> scalar_columns_;
};

/// A function of each native histogram of its input, such as histogram_count(x). Floats are left
/// out, and series lose their names.
class HistogramMap final : public Operator {
 public:
  HistogramMap(QueryContext& context, std::string_view name, HistogramFunction function,
               OperatorPtr input)
      : Operator(context, input->grid()),
        name_(name),
        function_(function),
        input_(std::move(input)),
        columns_(context.lanes()) {}

  Status Start() override;
  Status Compute(Lane& lane, size_t index, Column& out) override;
  std::string name() const override { return std::string(name_); }
  std::vector<const Operator*> inputs() const override { return {input_.get()}; }

 private:
  std::string_view name_;
  HistogramFunction function_;
  OperatorPtr input_;
  PerLane<Column> columns_;
};

/// -x. Scalars stay scalars.
class Negate final : public Operator {
 public:
  Negate(QueryContext& context, OperatorPtr input)
      : Operator(context, input->grid()), input_(std::move(input)) {}

  Status Start() override;
  Status Compute(Lane& lane, size_t index, Column& out) override;
  std::string name() const override { return "-"; }
  std::vector<const Operator*> inputs() const override { return {input_.get()}; }

 private:
  OperatorPtr input_;
};

/// max_of(a, b) and min_of(a, b) of scalars.
class ScalarExtreme final : public Operator {
 public:
  ScalarExtreme(QueryContext& context, bool max, OperatorPtr lhs, OperatorPtr rhs)
      : Operator(context, lhs->grid()),
        max_(max),
        lhs_(std::move(lhs)),
        rhs_(std::move(rhs)),
        columns_(context.lanes()) {}

  Status Start() override;
  Status Compute(Lane& lane, size_t index, Column& out) override;
  std::string name() const override { return max_ ? "max_of" : "min_of"; }
  std::vector<const Operator*> inputs() const override { return {lhs_.get(), rhs_.get()}; }

 private:
  bool max_;
  OperatorPtr lhs_;
  OperatorPtr rhs_;
  PerLane<Column> columns_;
};

/// scalar(x): the one float of each step, NaN where there is none or more than one.
class ToScalar final : public Operator {
 public:
  ToScalar(QueryContext& context, OperatorPtr input)
      : Operator(context, input->grid()), input_(std::move(input)), columns_(context.lanes()) {}

  Status Start() override;
  Status Compute(Lane& lane, size_t index, Column& out) override;
  std::string name() const override { return "scalar"; }
  std::vector<const Operator*> inputs() const override { return {input_.get()}; }

 private:
  void AddTo(Column& out, Column& column) const;

  OperatorPtr input_;
  PerLane<Column> columns_;
};

/// absent(x) and absent_over_time(x[d]): 1 at the steps at which no series has a sample.
class Absent final : public Operator {
 public:
  Absent(QueryContext& context, std::string_view function, OperatorPtr input, Labels labels)
      : Operator(context, input->grid()),
        function_(function),
        input_(std::move(input)),
        labels_(std::move(labels)),
        columns_(context.lanes()) {}

  Status Start() override;
  Status Compute(Lane& lane, size_t index, Column& out) override;
  std::string name() const override { return std::string(function_); }
  std::vector<const Operator*> inputs() const override { return {input_.get()}; }

 private:
  std::string_view function_;
  OperatorPtr input_;
  Labels labels_;
  PerLane<Column> columns_;
};

}  // namespace barograph::promql
