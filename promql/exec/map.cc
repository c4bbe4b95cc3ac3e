#include "promql/exec/map.h"

#include <algorithm>

#include "base/model/histogram_arithmetic.h"

namespace barograph::promql {

Status Map::Open() {
  for (size_t i = 0; i < scalars_.size(); ++i) {
    TRY(scalars_[i]->Open());
    TRY(scalars_[i]->Evaluate(0, scalar_columns_[i]));
  }
  TRY(input_->Open());
  series_ = input_->series();
  for (SeriesMeta& meta : series_) meta.drop_name = true;
  return {};
}

Status Map::Evaluate(size_t index, Column& out) {
  TRY(input_->Evaluate(index, out));
  TRY(context().Work(out.size()));
  out.EraseHistograms();
  StepArguments arguments;
  arguments.grid = grid();
  for (size_t i = 0; i < scalar_columns_.size(); ++i) {
    arguments.scalars[i] = scalar_columns_[i].values;
  }
  function_.kernel(out.values, arguments);
  return {};
}

std::vector<const Operator*> Map::inputs() const {
  std::vector<const Operator*> inputs = {input_.get()};
  for (const OperatorPtr& scalar : scalars_) inputs.push_back(scalar.get());
  return inputs;
}

Status HistogramMap::Open() {
  TRY(input_->Open());
  series_ = input_->series();
  for (SeriesMeta& meta : series_) meta.drop_name = true;
  return {};
}

Status HistogramMap::Evaluate(size_t index, Column& out) {
  TRY(input_->Evaluate(index, column_));
  TRY(context().Work(column_.size()));
  out.Reset(steps());
  for (size_t step = 0; step < steps(); ++step) {
    const FloatHistogram* histogram = column_.histogram(step);
    if (histogram != nullptr) out.values[step] = function_(*histogram);
  }
  return {};
}

Status Negate::Open() {
  TRY(input_->Open());
  series_ = input_->series();
  for (SeriesMeta& meta : series_) meta.drop_name = true;
  return {};
}

Status Negate::Evaluate(size_t index, Column& out) {
  TRY(input_->Evaluate(index, out));
  for (double& value : out.values) value = IsAbsent(value) ? kAbsent : -value;
  for (HistogramRef& histogram : out.histograms) {
    if (histogram == nullptr) continue;
    auto negated = std::make_shared<FloatHistogram>(*histogram);
    ScaleHistogram(*negated, -1);
    histogram = std::move(negated);
  }
  return {};
}

Status ScalarExtreme::Open() {
  TRY(lhs_->Open());
  TRY(rhs_->Open());
  series_ = lhs_->series();
  return {};
}

Status ScalarExtreme::Evaluate(size_t, Column& out) {
  TRY(lhs_->Evaluate(0, out));
  TRY(rhs_->Evaluate(0, column_));
  for (size_t step = 0; step < out.size(); ++step) {
    out.values[step] = max_ ? GoMax(out.values[step], column_.values[step])
                            : GoMin(out.values[step], column_.values[step]);
  }
  return {};
}

Status ToScalar::Open() {
  TRY(input_->Open());
  series_.push_back({context().Keep({}), false});
  return {};
}

Status ToScalar::Evaluate(size_t, Column& out) {
  out.Reset(steps());
  for (size_t i = 0; i < input_->series().size(); ++i) {
    TRY(input_->Evaluate(i, column_));
    column_.EraseHistograms();
    for (size_t step = 0; step < steps(); ++step) {
      if (!column_.present(step)) continue;
      // A second float makes it NaN, which a third leaves as it is.
      out.values[step] = out.present(step) ? kNormalNan : column_.values[step];
    }
  }
  for (double& value : out.values) value = IsAbsent(value) ? kNormalNan : value;
  return {};
}

Status Absent::Open() {
  TRY(input_->Open());
  series_.push_back({context().Keep(labels_), true});
  return {};
}

Status Absent::Evaluate(size_t, Column& out) {
  out.histograms.clear();
  out.values.assign(steps(), 1);
  size_t missing = steps();
  for (size_t i = 0; i < input_->series().size(); ++i) {
    if (missing == 0) {
      TRY(EvaluateForReports(*input_, i, column_));
      continue;
    }
    TRY(input_->Evaluate(i, column_));
    for (size_t step = 0; step < steps(); ++step) {
      if (!column_.present(step) || IsAbsent(out.values[step])) continue;
      out.values[step] = kAbsent;
      --missing;
    }
  }
  return {};
}

}  // namespace barograph::promql
