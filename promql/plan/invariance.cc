#include "promql/plan/invariance.h"

#include <algorithm>

#include "promql/func/math.h"
#include "promql/parse/functions.h"

namespace barograph::promql {
namespace {

bool IsPinned(const TimeModifiers& time) {
  return !std::holds_alternative<std::monostate>(time.at);
}

bool LooksAtStepTime(std::string_view function) {
  return IsDateFunction(function) || function == "time" || function == "timestamp" ||
         function == "predict_linear";
}

}  // namespace

bool IsQueryContextFunction(std::string_view name) {
  return name == "start" || name == "end" || name == "range" || name == "step";
}

bool StepInvariance::Holds(const Expr& expr) {
  const auto found = known_.find(&expr);
  if (found != known_.end()) return found->second;
  const bool holds = Decide(expr);
  known_.emplace(&expr, holds);
  return holds;
}

bool StepInvariance::Decide(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kNumber:
    case ExprKind::kString:
    case ExprKind::kDuration: return true;
    case ExprKind::kVectorSelector: return IsPinned(As<VectorSelector>(expr).time);
    case ExprKind::kMatrixSelector: return IsPinned(As<MatrixSelector>(expr).vector->time);
    case ExprKind::kSubquery: return IsPinned(As<SubqueryExpr>(expr).time);
    case ExprKind::kAggregate: return Holds(*As<AggregateExpr>(expr).expr);
    case ExprKind::kBinary:
      return Holds(*As<BinaryExpr>(expr).lhs) && Holds(*As<BinaryExpr>(expr).rhs);
    case ExprKind::kUnary: return Holds(*As<UnaryExpr>(expr).expr);
    case ExprKind::kParen: return Holds(*As<ParenExpr>(expr).expr);
    case ExprKind::kCall: return DecideCall(As<Call>(expr));
  }
  return false;
}

bool StepInvariance::DecideCall(const Call& call) {
  const std::string_view name = call.function->name;
  if (IsQueryContextFunction(name)) return true;
  const bool all = std::ranges::all_of(call.args, [&](const ExprPtr& arg) { return Holds(*arg); });
  if (!all) return false;
  if (!LooksAtStepTime(name)) return true;
  // The time of a pinned sample does not change; that of a computed value is the step's.
  return name == "timestamp" && UnwrapParens(*call.args[0]).kind == ExprKind::kVectorSelector;
}

}  // namespace barograph::promql
