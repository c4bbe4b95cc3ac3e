#pragma once

#include <string_view>

#include "promql/exec/operator.h"
#include "promql/exec/range_source.h"
#include "promql/plan/plan.h"

/// From plan to operators.
namespace barograph::promql {

struct BuildOptions {
  Duration lookback{0};
  bool range_query = false;
  std::string_view query;  ///< for the names of operators
};

/// The operators of a plan whose root is a scalar or an instant vector. The plan must outlive
/// them. Execution for a function that is not there, or refuses its arguments.
Result<OperatorPtr> BuildOperators(QueryContext& context, const PlanNode& node,
                                   const BuildOptions& options);

/// The samples of a plan whose root is a range vector.
Result<RangeSourcePtr> BuildRangeSource(QueryContext& context, const PlanNode& node,
                                        const BuildOptions& options);

/// The windows in which a range vector is looked at from its steps.
WindowSpec RangeWindows(const PlanNode& node, const BuildOptions& options);

}  // namespace barograph::promql
