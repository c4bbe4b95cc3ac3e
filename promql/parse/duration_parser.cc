#include <algorithm>
#include <utility>

#include "promql/parse/expression_parser.h"
#include "promql/parse/literals.h"

/// Durations and the arithmetic on them: in brackets any expression; behind offset only a literal,
/// a function or parentheses, each with a sign, so that `x offset 5m * 2` multiplies x. (Behind a
/// parenthesis or a second sign, operators belong to the offset; Prometheus's grammar has it so.)
namespace barograph::promql {
namespace {

constexpr int kLowestPrecedence = 1;
constexpr int kMulPrecedence = 2;
constexpr int kPowPrecedence = 3;

// 0 for what is no operator on durations.
int Precedence(TokenType type) {
  switch (type) {
    case TokenType::kAdd:
    case TokenType::kSub: return kLowestPrecedence;
    case TokenType::kMul:
    case TokenType::kDiv:
    case TokenType::kMod: return kMulPrecedence;
    case TokenType::kPow: return kPowPrecedence;
    default: return 0;
  }
}

DurationExpr::Op OperatorOf(TokenType type) {
  switch (type) {
    case TokenType::kSub: return DurationExpr::Op::kSub;
    case TokenType::kMul: return DurationExpr::Op::kMul;
    case TokenType::kDiv: return DurationExpr::Op::kDiv;
    case TokenType::kMod: return DurationExpr::Op::kMod;
    case TokenType::kPow: return DurationExpr::Op::kPow;
    case TokenType::kStep: return DurationExpr::Op::kStep;
    case TokenType::kRange: return DurationExpr::Op::kRange;
    case TokenType::kMaxOf: return DurationExpr::Op::kMaxOf;
    case TokenType::kMinOf: return DurationExpr::Op::kMinOf;
    default: return DurationExpr::Op::kAdd;
  }
}

bool IsSign(TokenType type) { return type == TokenType::kAdd || type == TokenType::kSub; }

bool IsZero(const Expr& expr) {
  return expr.kind == ExprKind::kNumber && As<NumberLiteral>(expr).value == 0;
}

// A sign in front of a duration that is more than a literal.
std::unique_ptr<DurationExpr> Signed(const Token& sign, ExprPtr duration) {
  auto out = std::make_unique<DurationExpr>();
  out->op = OperatorOf(sign.type);
  out->start_pos = sign.start;
  out->position = {sign.start, duration->position.end};
  out->rhs = std::move(duration);
  return out;
}

}  // namespace

ExprPtr ExpressionParser::PositiveDuration() {
  ExprPtr duration = DurationExpression(kLowestPrecedence);
  if (!duration || duration->kind != ExprKind::kNumber) return duration;
  if (As<NumberLiteral>(*duration).value > 0) return duration;
  AddError(duration->position, "duration must be greater than 0");
  return std::make_unique<NumberLiteral>();
}

ExprPtr ExpressionParser::DurationExpression(int min_precedence) {
  if (!Nest()) return nullptr;
  ExprPtr duration = DurationPrefix();
  if (duration) duration = ClimbDuration(std::move(duration), min_precedence);
  --nesting_;
  return duration;
}

ExprPtr ExpressionParser::ClimbDuration(ExprPtr lhs, int min_precedence) {
  while (lhs) {
    const int precedence = Precedence(Peek().type);
    if (precedence == 0 || precedence < min_precedence) break;
    const int lhs_height = height_;
    const Token op = Take();
    ExprPtr rhs = DurationExpression(precedence == kPowPrecedence ? precedence : precedence + 1);
    if (!rhs) return nullptr;
    height_ = std::max(lhs_height, height_);
    lhs = BinaryDuration(std::move(lhs), op, std::move(rhs));
  }
  return lhs;
}

ExprPtr ExpressionParser::BinaryDuration(ExprPtr lhs, const Token& op, ExprPtr rhs) {
  NeedDurationExpressions(*lhs);
  const bool divides = op.type == TokenType::kDiv;
  if ((divides || op.type == TokenType::kMod) && IsZero(*rhs)) {
    AddError(op.position(), divides ? "division by zero" : "modulo by zero");
    return std::make_unique<NumberLiteral>();
  }
  auto out = std::make_unique<DurationExpr>();
  out->op = OperatorOf(op.type);
  out->position = {lhs->position.start, rhs->position.end};
  out->lhs = std::move(lhs);
  out->rhs = std::move(rhs);
  return CheckHeight(out->position) ? std::move(out) : nullptr;
}

ExprPtr ExpressionParser::DurationPrefix() {
  height_ = 1;
  switch (Peek().type) {
    case TokenType::kNumber:
    case TokenType::kDuration: return DurationLiteral();
    case TokenType::kAdd:
    case TokenType::kSub: {
      const Token sign = Take();
      ExprPtr operand = DurationExpression(kMulPrecedence + 1);
      return operand ? ApplySign(sign, std::move(operand)) : nullptr;
    }
    case TokenType::kStep:
    case TokenType::kRange:
    case TokenType::kMaxOf:
    case TokenType::kMinOf: {
      auto function = DurationFunction();
      if (function) NeedDurationExpressions(*function);
      return function;
    }
    case TokenType::kLeftParen: return ParenthesisedDuration();
    default: return nullptr;
  }
}

ExprPtr ExpressionParser::DurationLiteral() {
  ExprPtr literal = NumberOrDuration();
  if (!IsDurationOutOfRange(As<NumberLiteral>(*literal).value)) return literal;
  AddError(literal->position, "duration out of range");
  return std::make_unique<NumberLiteral>();
}

ExprPtr ExpressionParser::ParenthesisedDuration() {
  const Token open = Take();
  ExprPtr duration = DurationExpression(kLowestPrecedence);
  if (!duration || !NextIs(TokenType::kRightParen)) return nullptr;
  NeedDurationExpressions(*duration);
  return Wrap(std::move(duration), {open.start, Take().position().end});
}

// Marks the duration as written in parentheses; a literal, which has no such mark, becomes the
// operand of a plus.
ExprPtr ExpressionParser::Wrap(ExprPtr duration, PositionRange where) {
  if (duration->kind == ExprKind::kDuration) {
    As<DurationExpr>(*duration).wrapped = true;
    return duration;
  }
  auto out = std::make_unique<DurationExpr>();
  out->op = DurationExpr::Op::kAdd;
  out->wrapped = true;
  out->start_pos = where.start;
  out->end_pos = where.end;
  out->position = {where.start, duration->position.end};
  out->rhs = std::move(duration);
  return CheckHeight(out->position) ? std::move(out) : nullptr;
}

// step(), range(), max_of(a, b) or min_of(a, b).
std::unique_ptr<DurationExpr> ExpressionParser::DurationFunction() {
  const Token name = Take();
  if (!Accept(TokenType::kLeftParen)) return nullptr;
  auto out = std::make_unique<DurationExpr>();
  out->op = OperatorOf(name.type);
  out->start_pos = name.start;
  const bool has_arguments = name.type == TokenType::kMaxOf || name.type == TokenType::kMinOf;
  if (has_arguments && !DurationArguments(*out)) return nullptr;
  if (!NextIs(TokenType::kRightParen)) return nullptr;
  out->end_pos = Take().position().end;
  out->position = has_arguments ? PositionRange{out->lhs->position.start, out->rhs->position.end}
                                : PositionRange{out->start_pos, out->end_pos};
  return CheckHeight(out->position) ? std::move(out) : nullptr;
}

bool ExpressionParser::DurationArguments(DurationExpr& function) {
  function.lhs = DurationExpression(kLowestPrecedence);
  const int lhs_height = height_;
  if (!function.lhs || !Accept(TokenType::kComma)) return false;
  function.rhs = DurationExpression(kLowestPrecedence);
  height_ = std::max(lhs_height, height_);
  return function.rhs != nullptr;
}

// Behind `offset`.
ExprPtr ExpressionParser::OffsetDuration() {
  height_ = 1;
  switch (Peek().type) {
    case TokenType::kAdd:
    case TokenType::kSub: return SignedOffsetDuration();
    case TokenType::kLeftParen: {
      ExprPtr duration = DurationPrefix();
      return duration ? ClimbDuration(std::move(duration), kLowestPrecedence) : nullptr;
    }
    default: return DurationPrefix();
  }
}

ExprPtr ExpressionParser::SignedOffsetDuration() {
  const Token sign = Take();
  switch (Peek().type) {
    case TokenType::kNumber:
    case TokenType::kDuration: return ApplySign(sign, NumberOrDuration());
    case TokenType::kLeftParen: return SignedParenthesis(sign);
    case TokenType::kStep:
    case TokenType::kRange:
    case TokenType::kMaxOf:
    case TokenType::kMinOf: return SignedFunction(sign);
    default: break;
  }
  if (!IsSign(Peek().type)) return nullptr;
  ExprPtr operand = DurationExpression(kMulPrecedence + 1);
  if (!operand) return nullptr;
  operand = ApplySign(sign, std::move(operand));
  return operand ? ClimbDuration(std::move(operand), kLowestPrecedence) : nullptr;
}

ExprPtr ExpressionParser::SignedParenthesis(const Token& sign) {
  Take();
  ExprPtr duration = DurationExpression(kLowestPrecedence);
  if (!duration || !Accept(TokenType::kRightParen)) return nullptr;
  const PositionRange where = duration->position;
  duration = Wrap(std::move(duration), where);
  return duration ? ApplySign(sign, std::move(duration)) : nullptr;
}

ExprPtr ExpressionParser::SignedFunction(const Token& sign) {
  auto function = DurationFunction();
  if (!function) return nullptr;
  const bool has_arguments = function->lhs != nullptr;
  // Prometheus's tree has these functions end before their parenthesis.
  if (has_arguments) function->end_pos = function->position.end;
  auto out = Signed(sign, std::move(function));
  if (has_arguments) out->end_pos = out->position.end;
  NeedDurationExpressions(*out);
  return CheckHeight(out->position) ? std::move(out) : nullptr;
}

ExprPtr ExpressionParser::ApplySign(const Token& sign, ExprPtr duration) {
  if (duration->kind == ExprKind::kDuration) {
    if (sign.type == TokenType::kAdd) return duration;
    auto out = Signed(sign, std::move(duration));
    return CheckHeight(out->position) ? std::move(out) : nullptr;
  }
  auto& literal = As<NumberLiteral>(*duration);
  if (sign.type == TokenType::kSub) literal.value *= -1;
  if (IsDurationOutOfRange(literal.value)) {
    AddError(sign.position(), "duration out of range");
    return std::make_unique<NumberLiteral>();
  }
  literal.position.start = sign.start;
  return duration;
}

void ExpressionParser::NeedDurationExpressions(const Expr& expr) {
  if (options_.duration_expressions) return;
  AddError(expr.position, "experimental duration expression is not enabled");
}

}  // namespace barograph::promql
