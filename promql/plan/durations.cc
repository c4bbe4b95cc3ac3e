#include "promql/plan/durations.h"

#include <fmt/format.h>

#include <cmath>

#include "promql/func/math.h"

namespace barograph::promql {
namespace {

std::unexpected<Error> FailAt(const Expr& expr, std::string_view what) {
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("{}:{}: {}", expr.position.start, expr.position.end, what));
}

class Evaluator {
 public:
  explicit Evaluator(const DurationContext& context) : context_(context) {}

  Result<double> Seconds(const Expr& expr) const {
    if (expr.kind == ExprKind::kNumber) return As<NumberLiteral>(expr).value;
    if (expr.kind == ExprKind::kParen) return Seconds(UnwrapParens(expr));
    if (expr.kind != ExprKind::kDuration) return FailAt(expr, "not a duration expression");
    const auto& duration = As<DurationExpr>(expr);
    double lhs = 0;
    double rhs = 0;
    if (duration.lhs != nullptr) lhs = TRY(Seconds(*duration.lhs));
    if (duration.rhs != nullptr) rhs = TRY(Seconds(*duration.rhs));
    return Apply(duration, lhs, rhs);
  }

 private:
  Result<double> Apply(const DurationExpr& expr, double lhs, double rhs) const {
    using Op = DurationExpr::Op;
    switch (expr.op) {
      case Op::kStep: return ToSeconds(context_.step);
      case Op::kRange: return ToSeconds(context_.range);
      case Op::kMinOf: return GoMin(lhs, rhs);
      case Op::kMaxOf: return GoMax(lhs, rhs);
      case Op::kAdd: return lhs + rhs;  // a missing left side is 0
      case Op::kSub: return lhs - rhs;
      case Op::kMul: return lhs * rhs;
      case Op::kDiv:
        if (rhs == 0) return FailAt(expr, "division by zero");
        return lhs / rhs;
      case Op::kMod:
        if (rhs == 0) return FailAt(expr, "modulo by zero");
        return std::fmod(lhs, rhs);
      case Op::kPow: return std::pow(lhs, rhs);
    }
    return FailAt(expr, "unknown operator");
  }

  const DurationContext& context_;
};

}  // namespace

Result<Duration> ResolveDuration(const Expr& expr, const DurationContext& context,
                                 bool may_be_negative) {
  const double seconds = TRY(Evaluator(context).Seconds(expr));
  if (!std::isfinite(seconds)) return FailAt(expr, "duration is NaN or infinite");
  if (seconds <= 0 && !may_be_negative) return FailAt(expr, "duration must be greater than 0");
  constexpr double kMaxSeconds = 9223372036854775808.0 / 1e9;  // 2^63 nanoseconds
  if (std::fabs(seconds) > kMaxSeconds) return FailAt(expr, "duration is out of range");
  return Duration(static_cast<int64_t>(seconds * 1000));
}

}  // namespace barograph::promql
