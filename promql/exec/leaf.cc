#include "promql/exec/leaf.h"

#include "base/model/number.h"

namespace barograph::promql {

Status Constant::Start() {
  series_.push_back({context().Keep({}), false});
  return {};
}

Status Constant::Compute(Lane& lane, size_t, Column& out) {
  out.histograms.clear();
  out.values.assign(steps(), value_);
  return lane.Work(steps());
}

std::string Constant::name() const { return FormatShortest(value_); }

Status EvaluationTime::Start() {
  series_.push_back({context().Keep({}), false});
  return {};
}

Status EvaluationTime::Compute(Lane& lane, size_t, Column& out) {
  out.histograms.clear();
  out.values.resize(steps());
  for (size_t step = 0; step < steps(); ++step) {
    out.values[step] = static_cast<double>(grid().at(step)) / 1000;
  }
  return lane.Work(steps());
}

Status Repeat::Start() {
  TRY(input_->Open());
  series_ = input_->series();
  return {};
}

Status Repeat::Compute(Lane& lane, size_t index, Column& out) {
  Column& column = columns_[lane];
  TRY(input_->Evaluate(lane, index, column));
  TRY(lane.Work(steps()));
  out.histograms.clear();
  if (column.size() == 0) {
    out.Reset(steps());
    return {};
  }
  out.values.assign(steps(), column.values[0]);
  if (column.histogram(0) != nullptr) out.histograms.assign(steps(), column.histograms[0]);
  return {};
}

Status NoSamples::Start() {
  TRY(input_->Open());
  series_ = input_->series();
  for (SeriesMeta& meta : series_) meta.drop_name = true;
  return {};
}

Status NoSamples::Compute(Lane& lane, size_t index, Column& out) {
  TRY(input_->Evaluate(lane, index, out));  // for what it may report
  out.Reset(steps());
  return {};
}

}  // namespace barograph::promql
