#include "promql/exec/leaf.h"

#include "base/model/number.h"

namespace barograph::promql {

Status Constant::Open() {
  series_.push_back({context().Keep({}), false});
  return {};
}

Status Constant::Evaluate(size_t, Column& out) {
  out.histograms.clear();
  out.values.assign(steps(), value_);
  return context().Work(steps());
}

std::string Constant::name() const { return FormatShortest(value_); }

Status EvaluationTime::Open() {
  series_.push_back({context().Keep({}), false});
  return {};
}

Status EvaluationTime::Evaluate(size_t, Column& out) {
  out.histograms.clear();
  out.values.resize(steps());
  for (size_t step = 0; step < steps(); ++step) {
    out.values[step] = static_cast<double>(grid().at(step)) / 1000;
  }
  return context().Work(steps());
}

Status Repeat::Open() {
  TRY(input_->Open());
  series_ = input_->series();
  return {};
}

Status Repeat::Evaluate(size_t index, Column& out) {
  TRY(input_->Evaluate(index, column_));
  TRY(context().Work(steps()));
  out.histograms.clear();
  if (column_.size() == 0) {
    out.Reset(steps());
    return {};
  }
  out.values.assign(steps(), column_.values[0]);
  if (column_.histogram(0) != nullptr) out.histograms.assign(steps(), column_.histograms[0]);
  return {};
}

}  // namespace barograph::promql
