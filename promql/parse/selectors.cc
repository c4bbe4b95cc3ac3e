#include "promql/parse/selectors.h"

namespace barograph::promql {
namespace {

void Extract(const Expr* expr, std::vector<Matchers>& selectors) {
  if (expr == nullptr) return;
  switch (expr->kind) {
    case ExprKind::kNumber:
    case ExprKind::kString:
    case ExprKind::kDuration: break;
    case ExprKind::kVectorSelector: selectors.push_back(As<VectorSelector>(*expr).matchers); break;
    case ExprKind::kMatrixSelector:
      selectors.push_back(As<MatrixSelector>(*expr).vector->matchers);
      break;
    case ExprKind::kSubquery: Extract(As<SubqueryExpr>(*expr).expr.get(), selectors); break;
    case ExprKind::kAggregate:
      Extract(As<AggregateExpr>(*expr).param.get(), selectors);
      Extract(As<AggregateExpr>(*expr).expr.get(), selectors);
      break;
    case ExprKind::kBinary:
      Extract(As<BinaryExpr>(*expr).lhs.get(), selectors);
      Extract(As<BinaryExpr>(*expr).rhs.get(), selectors);
      break;
    case ExprKind::kUnary: Extract(As<UnaryExpr>(*expr).expr.get(), selectors); break;
    case ExprKind::kCall:
      for (const ExprPtr& arg : As<Call>(*expr).args) Extract(arg.get(), selectors);
      break;
    case ExprKind::kParen: Extract(As<ParenExpr>(*expr).expr.get(), selectors); break;
  }
}

}  // namespace

std::vector<Matchers> ExtractSelectors(const Expr& expr) {
  std::vector<Matchers> selectors;
  Extract(&expr, selectors);
  return selectors;
}

}  // namespace barograph::promql
