#pragma once

#include <vector>

#include "promql/engine.h"
#include "promql/exec/build.h"
#include "promql/value.h"

namespace barograph::promql {

/// Evaluates a plan and gives its value in the shape that the query asks for: a matrix in label
/// order for a range query; else what the expression's type says.
/// What operators cost is appended to `costs`, where the context measures it.
Result<Value> EvaluatePlan(QueryContext& context, const PlanNode& root, const BuildOptions& options,
                           std::vector<OperatorReport>& costs);

}  // namespace barograph::promql
