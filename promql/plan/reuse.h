#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "promql/plan/plan.h"

/// Whether what a query gives at a step may be kept for another query with the same text and step.
namespace barograph::promql {

/// The samples that a step at time t depends on: those of [t + from_ms, t + to_ms].
struct StepReach {
  int64_t from_ms = 0;
  int64_t to_ms = 0;
};

/// How far the steps of a plan look, or nullopt where it is not certain that the value at a step
/// is, to the last bit, the same whatever the query's start and end are. It is not certain
///
/// - where the text speaks of the query's own times: start(), end(), range(), step(), and all of @,
///   which reads one time for all steps;
/// - where series are folded in an order that depends on which others there are: which group of
///   an inner aggregation comes first depends on the series of the whole range, and floating-point
///   sums and ties on what comes first;
/// - where windows slide, so that the order of additions depends on the first step;
/// - where two series of different names that are the same without them would be an error, at
///   whatever steps they are.
///
/// `expr` is what the plan was made of. Precondition: names are not dropped late
/// (--enable-feature=promql-delayed-name-removal).
std::optional<StepReach> FindReach(const Expr& expr, const Plan& plan, Duration lookback);

}  // namespace barograph::promql
