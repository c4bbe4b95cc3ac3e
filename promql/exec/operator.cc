#include "promql/exec/operator.h"

#include <algorithm>

namespace barograph::promql {
bool Operator::reports() const {
  return std::ranges::any_of(inputs(), [](const Operator* input) { return input->reports(); });
}

Status Operator::Open() {
  if (!context_.measures()) return Start();
  const CostMeter meter(context_.main(), id_);
  return Start();
}

Status Operator::Measure(Lane& lane, size_t index, Column& out) {
  CostMeter meter(lane, id_);
  meter.CountSeries();
  return Compute(lane, index, out);
}

Status EvaluateForReports(Lane& lane, Operator& input, size_t index, Column& scratch) {
  if (!input.reports()) return {};
  return input.Evaluate(lane, index, scratch);
}

}  // namespace barograph::promql
