#include "promql/exec/operator.h"

#include <algorithm>

namespace barograph::promql {

bool Operator::reports() const {
  return std::ranges::any_of(inputs(), [](const Operator* input) { return input->reports(); });
}

bool Operator::may_have_histograms() const {
  return std::ranges::any_of(inputs(),
                             [](const Operator* input) { return input->may_have_histograms(); });
}

Status Operator::Open() {
  if (!context_.measures()) return Start();
  const CostMeter meter(context_.main(), id_);
  return Start();
}

uint64_t Operator::TimesCounted() const {
  if (counted_for_ == CountedFor::kEveryStep) return context_.query_steps();
  return counted_for_ == CountedFor::kNone ? 0 : 1;
}

void Operator::CountAtStep(Lane& lane, size_t step, uint64_t samples) const {
  std::vector<uint64_t>& by_step = lane.counts().by_step;
  switch (counted_for_) {
    case CountedFor::kOwnSteps: by_step[step] += samples; break;
    case CountedFor::kEveryStep:
      for (uint64_t& count : by_step) count += samples;
      break;
    case CountedFor::kLastStep: by_step.back() += samples; break;
    case CountedFor::kNone: break;
  }
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
