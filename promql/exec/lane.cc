#include "promql/exec/lane.h"

#include "promql/exec/context.h"

namespace barograph::promql {

OperatorCost& OperatorCost::operator+=(const OperatorCost& other) {
  series += other.series;
  samples += other.samples;
  time += other.time;
  return *this;
}

Status Lane::Check() {
  unchecked_ = 0;
  return context_.Check();
}

Annotator& Lane::Redirect(Annotator& annotations) {
  Annotator& before = *annotations_;
  annotations_ = &annotations;
  return before;
}

CostMeter::CostMeter(Lane& lane, size_t operator_id)
    : lane_(lane),
      id_(operator_id),
      outer_inputs_(lane.of_inputs_),
      samples_before_(lane.samples()),
      start_(std::chrono::steady_clock::now()) {
  lane.of_inputs_ = {};
}

CostMeter::~CostMeter() {
  const OperatorCost whole{0, lane_.samples() - samples_before_,
                           std::chrono::steady_clock::now() - start_};
  const OperatorCost& inputs = lane_.of_inputs_;
  lane_.costs_[id_] +=
      OperatorCost{series_, whole.samples - inputs.samples, whole.time - inputs.time};
  lane_.of_inputs_ = outer_inputs_;
  lane_.of_inputs_ += whole;
}

}  // namespace barograph::promql
