#include "promql/script/pin.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/model/number.h"
#include "promql/func/math.h"
#include "promql/parse/functions.h"
#include "promql/parse/parser.h"
#include "promql/plan/invariance.h"

namespace barograph::promql::script {
namespace {

// Finds where to write the modifiers.
class PinPlaces {
 public:
  void Visit(const Expr& expr) {
    switch (expr.kind) {
      case ExprKind::kVectorSelector: return Note(expr, As<VectorSelector>(expr).time);
      case ExprKind::kMatrixSelector: return Note(expr, As<MatrixSelector>(expr).vector->time);
      case ExprKind::kSubquery:
        Note(expr, As<SubqueryExpr>(expr).time);
        return VisitInside(*As<SubqueryExpr>(expr).expr);
      case ExprKind::kAggregate:
        if (As<AggregateExpr>(expr).param != nullptr) Visit(*As<AggregateExpr>(expr).param);
        return Visit(*As<AggregateExpr>(expr).expr);
      case ExprKind::kBinary:
        Visit(*As<BinaryExpr>(expr).lhs);
        return Visit(*As<BinaryExpr>(expr).rhs);
      case ExprKind::kUnary: return Visit(*As<UnaryExpr>(expr).expr);
      case ExprKind::kParen: return Visit(*As<ParenExpr>(expr).expr);
      case ExprKind::kCall: return VisitCall(As<Call>(expr));
      case ExprKind::kNumber:
      case ExprKind::kString:
      case ExprKind::kDuration: return;
    }
  }

  bool possible() const { return possible_; }
  std::vector<int>& ends() { return ends_; }

 private:
  void Note(const Expr& expr, const TimeModifiers& time) {
    if (!std::holds_alternative<std::monostate>(time.at) || inside_subquery_) return;
    ends_.push_back(expr.position.end);
  }

  // A pinned subquery pins what is inside; only the functions there matter.
  void VisitInside(const Expr& expr) {
    const bool outer = std::exchange(inside_subquery_, true);
    Visit(expr);
    inside_subquery_ = outer;
  }

  void VisitCall(const Call& call) {
    const std::string_view name = call.function->name;
    if (IsDateFunction(name) || IsQueryContextFunction(name) || name == "time" ||
        name == "timestamp" || name == "predict_linear") {
      possible_ = false;
    }
    for (const ExprPtr& arg : call.args) Visit(*arg);
  }

  bool possible_ = true;
  bool inside_subquery_ = false;
  std::vector<int> ends_;
};

}  // namespace

std::optional<std::string> PinSelectors(std::string_view query, Timestamp time) {
  const auto expr = ParseExpr(query);
  if (!expr.has_value()) return std::nullopt;
  PinPlaces places;
  places.Visit(**expr);
  if (!places.possible()) return std::nullopt;
  std::string modifier = " @ ";
  AppendSeconds(modifier, ToMs(time));
  std::string pinned(query);
  std::ranges::sort(places.ends(), std::greater<>());
  for (const int end : places.ends()) {
    if (end < 0 || static_cast<size_t>(end) > pinned.size()) return std::nullopt;
    pinned.insert(static_cast<size_t>(end), modifier);
  }
  if (!ParseExpr(pinned).has_value()) return std::nullopt;
  return pinned;
}

bool DependsOnQueryTimes(std::string_view query) {
  static constexpr std::array kCalls = {"start()", "end()", "range()", "step()"};
  return std::ranges::any_of(
      kCalls, [&](const char* call) { return query.find(call) != std::string_view::npos; });
}

}  // namespace barograph::promql::script
