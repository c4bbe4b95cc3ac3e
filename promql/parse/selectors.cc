#include "promql/parse/selectors.h"

#include <algorithm>

namespace barograph::promql {
namespace {

void Collect(const Expr& expr, std::vector<Matchers>& selectors) {
  switch (expr.kind) {
    case ExprKind::kVectorSelector: selectors.push_back(As<VectorSelector>(expr).matchers); return;
    case ExprKind::kMatrixSelector:
      selectors.push_back(As<MatrixSelector>(expr).vector->matchers);
      return;
    case ExprKind::kSubquery: return Collect(*As<SubqueryExpr>(expr).expr, selectors);
    case ExprKind::kAggregate:
      Collect(*As<AggregateExpr>(expr).expr, selectors);
      if (As<AggregateExpr>(expr).param) Collect(*As<AggregateExpr>(expr).param, selectors);
      return;
    case ExprKind::kBinary:
      Collect(*As<BinaryExpr>(expr).lhs, selectors);
      return Collect(*As<BinaryExpr>(expr).rhs, selectors);
    case ExprKind::kUnary: return Collect(*As<UnaryExpr>(expr).expr, selectors);
    case ExprKind::kCall:
      for (const ExprPtr& argument : As<Call>(expr).args) Collect(*argument, selectors);
      return;
    case ExprKind::kParen: return Collect(*As<ParenExpr>(expr).expr, selectors);
    case ExprKind::kNumber:
    case ExprKind::kString:
    case ExprKind::kDuration: return;
  }
}

}  // namespace

std::vector<Matchers> ExtractSelectors(const Expr& expr) {
  std::vector<Matchers> selectors;
  Collect(expr, selectors);
  return selectors;
}

bool HasOneName(const Matchers& matchers) {
  return std::ranges::any_of(matchers, [](const Matcher& matcher) {
    return matcher.type() == MatchType::kEqual && matcher.name() == kMetricName;
  });
}

}  // namespace barograph::promql
