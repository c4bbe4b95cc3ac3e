#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "promql/engine.h"
#include "promql/exec/context.h"
#include "promql/exec/grid.h"
#include "promql/exec/windows.h"
#include "promql/parse/ast.h"

/// The logical plan: the syntax tree with everything resolved that does not need data. Times are
/// absolute, constants are folded, what does not depend on the step is marked to be evaluated
/// once, and selectors that read the same share a selection.
namespace barograph::promql {

enum class PlanKind : uint8_t {
  kConstant,  ///< a number
  kString,
  kSelector,  ///< an instant vector from storage
  kMatrix,    ///< a range vector from storage
  kSubquery,  ///< a range vector from its input, which has a grid of its own
  kCall,
  kAggregate,  ///< inputs: the vector, then the parameter if there is one
  kBinary,
  kNegate,
  kRepeat,  ///< its input has one step, and holds for all
};

struct PlanNode {
  PlanKind kind = PlanKind::kConstant;
  const Expr* expr = nullptr;  ///< without parentheses; for names and positions
  StepGrid grid;
  std::vector<std::unique_ptr<PlanNode>> inputs;  ///< of a call: its arguments in order

  double constant = 0;  ///< kConstant

  // kSelector, kMatrix, kSubquery.
  size_t selection = 0;  ///< in Plan::selections; not for kSubquery
  TimeShift shift;
  int64_t range_ms = 0;           ///< kMatrix, kSubquery
  bool start_timestamps = false;  ///< whether those of the samples matter; kSelector, kMatrix
};
/// In lower case, such as "selector".
std::string_view KindName(PlanKind kind);

using PlanNodePtr = std::unique_ptr<PlanNode>;

struct Plan {
  PlanNodePtr root;
  std::vector<SelectionSpec> selections;
};

struct PlanOptions {
  Duration lookback{0};
  Duration default_subquery_step{0};
  uint64_t max_steps = 0;  ///< of any grid: LimitExceeded
  bool use_start_timestamps = false;
};

/// `expr` must outlive the plan. InvalidArgument for duration expressions that do not resolve.
Result<Plan> MakePlan(const Expr& expr, const QueryTimes& times, const PlanOptions& options);

/// The tree, one node a line, inputs indented below; `query` is the text that was parsed.
std::string Dump(const Plan& plan, std::string_view query);

}  // namespace barograph::promql
