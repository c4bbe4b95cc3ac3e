#include "promql/exec/map.h"

#include <algorithm>

#include "base/model/histogram_arithmetic.h"
#include "promql/exec/fan_out.h"

namespace barograph::promql {

Status Map::Start() {
  for (size_t i = 0; i < scalars_.size(); ++i) {
    TRY(scalars_[i]->Open());
    TRY(scalars_[i]->Evaluate(context().main(), 0, scalar_columns_[i]));
  }
  TRY(input_->Open());
  series_ = input_->series();
  for (SeriesMeta& meta : series_) meta.drop_name = true;
  return {};
}

Status Map::Compute(Lane& lane, size_t index, Column& out) {
  TRY(input_->Evaluate(lane, index, out));
  TRY(lane.Work(out.size()));
  if (function_.of_any_sample) {
    out.histograms.clear();
  } else {
    out.EraseHistograms();
  }
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

// Unlike all others they leave a series its type and unit, unless names are dropped at the end.
Status HistogramMap::Start() {
  TRY(input_->Open());
  series_ = input_->series();
  static const std::vector<std::string> kNameOnly = {std::string(kMetricName)};
  for (SeriesMeta& meta : series_) {
    const bool keeps = !context().naming().delayed && !meta.drop_name &&
                       (meta.labels->Has("__type__") || meta.labels->Has("__unit__"));
    if (keeps) {
      meta.labels = context().Keep(DropLabels(*meta.labels, kNameOnly));
    } else {
      meta.drop_name = true;
    }
  }
  return {};
}

Status HistogramMap::Compute(Lane& lane, size_t index, Column& out) {
  Column& column = columns_[lane];
  TRY(input_->Evaluate(lane, index, column));
  TRY(lane.Work(column.size()));
  out.Reset(steps());
  for (size_t step = 0; step < steps(); ++step) {
    const FloatHistogram* histogram = column.histogram(step);
    if (histogram != nullptr) out.values[step] = function_(*histogram);
  }
  return {};
}

Status Negate::Start() {
  TRY(input_->Open());
  series_ = input_->series();
  for (SeriesMeta& meta : series_) meta.drop_name = true;
  return {};
}

Status Negate::Compute(Lane& lane, size_t index, Column& out) {
  TRY(input_->Evaluate(lane, index, out));
  for (double& value : out.values) value = IsAbsent(value) ? kAbsent : -value;
  for (HistogramRef& histogram : out.histograms) {
    if (histogram == nullptr) continue;
    auto negated = std::make_shared<FloatHistogram>(*histogram);
    ScaleHistogram(*negated, -1);
    histogram = std::move(negated);
  }
  return {};
}

Status ScalarExtreme::Start() {
  TRY(lhs_->Open());
  TRY(rhs_->Open());
  series_ = lhs_->series();
  return {};
}

Status ScalarExtreme::Compute(Lane& lane, size_t, Column& out) {
  Column& column = columns_[lane];
  TRY(lhs_->Evaluate(lane, 0, out));
  TRY(rhs_->Evaluate(lane, 0, column));
  for (size_t step = 0; step < out.size(); ++step) {
    out.values[step] = max_ ? GoMax(out.values[step], column.values[step])
                            : GoMin(out.values[step], column.values[step]);
  }
  return {};
}

Status ToScalar::Start() {
  TRY(input_->Open());
  series_.push_back({context().Keep({}), false});
  return {};
}

void ToScalar::AddTo(Column& out, Column& column) const {
  column.EraseHistograms();
  for (size_t step = 0; step < steps(); ++step) {
    if (!column.present(step)) continue;
    // A second float makes it NaN, which a third leaves as it is.
    out.values[step] = out.present(step) ? kNormalNan : column.values[step];
  }
}

Status ToScalar::Compute(Lane& lane, size_t, Column& out) {
  out.Reset(steps());
  TRY(EvaluateEach(context(), lane, *input_, AllSeries(*input_), columns_[lane],
                   [&](Lane&, size_t, Column& column) -> Status {
                     AddTo(out, column);
                     return {};
                   }));
  for (double& value : out.values) value = IsAbsent(value) ? kNormalNan : value;
  return {};
}

Status Absent::Start() {
  TRY(input_->Open());
  series_.push_back({context().Keep(labels_), true});
  return {};
}

Status Absent::Compute(Lane& lane, size_t, Column& out) {
  Column& column = columns_[lane];
  out.histograms.clear();
  out.values.assign(steps(), 1);
  size_t missing = steps();
  for (size_t i = 0; i < input_->series().size(); ++i) {
    if (missing == 0) {
      TRY(EvaluateForReports(lane, *input_, i, column));
      continue;
    }
    TRY(input_->Evaluate(lane, i, column));
    for (size_t step = 0; step < steps(); ++step) {
      if (!column.present(step) || IsAbsent(out.values[step])) continue;
      out.values[step] = kAbsent;
      --missing;
    }
  }
  return {};
}

}  // namespace barograph::promql
