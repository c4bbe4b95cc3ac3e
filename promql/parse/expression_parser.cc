#include "promql/parse/expression_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/model/number.h"
#include "promql/parse/functions.h"

namespace barograph::promql {
namespace {

constexpr int kLowestPrecedence = 1;
constexpr int kMulPrecedence = 5;
constexpr int kPowPrecedence = 6;

// 0 for what is no operator.
int Precedence(TokenType type) {
  if (!IsBinaryOperator(type)) return 0;
  switch (ToBinaryOp(type)) {
    case BinaryOp::kOr: return kLowestPrecedence;
    case BinaryOp::kAnd:
    case BinaryOp::kUnless: return 2;
    case BinaryOp::kAdd:
    case BinaryOp::kSub: return 4;
    case BinaryOp::kMul:
    case BinaryOp::kDiv:
    case BinaryOp::kMod:
    case BinaryOp::kAtan2: return kMulPrecedence;
    case BinaryOp::kPow: return kPowPrecedence;
    default: return 3;
  }
}

}  // namespace

bool IsMetricName(TokenType type) {
  switch (type) {
    case TokenType::kIdentifier:
    case TokenType::kMetricIdentifier:
    case TokenType::kAnd:
    case TokenType::kOr:
    case TokenType::kUnless:
    case TokenType::kBy:
    case TokenType::kWithout:
    case TokenType::kFill:
    case TokenType::kFillLeft:
    case TokenType::kFillRight:
    case TokenType::kOffset:
    case TokenType::kAnchored:
    case TokenType::kSmoothed:
    case TokenType::kStart:
    case TokenType::kEnd:
    case TokenType::kStep:
    case TokenType::kRange:
    case TokenType::kMaxOf:
    case TokenType::kMinOf: return true;
    default: return IsAggregator(type);
  }
}

ExprPtr ExpressionParser::ParseAll() {
  if (NextIs(TokenType::kEof)) {
    Stop({}, "no expression found in input");
    return nullptr;
  }
  ExprPtr expr = Expression(kLowestPrecedence);
  if (!expr) {
    Unexpected("", "");
    return nullptr;
  }
  ExpectEnd();
  return expr;
}

std::unique_ptr<VectorSelector> ExpressionParser::ParseAllAsSelector() {
  ExprPtr expr;
  if (NextIs(TokenType::kLeftBrace)) {
    expr = SelectorWithoutName();
  } else if (IsMetricName(Peek().type)) {
    expr = Selector(Take());
  }
  if (!expr) {
    Unexpected("", "");
    return nullptr;
  }
  ExpectEnd();
  return std::unique_ptr<VectorSelector>(&As<VectorSelector>(*expr.release()));
}

bool ExpressionParser::Nest() {
  if (nesting_ < options_.max_nesting) {
    ++nesting_;
    return true;
  }
  Stop(last_.position(),
       fmt::format("expression is nested more than {} levels deep", options_.max_nesting));
  return false;
}

ExprPtr ExpressionParser::Expression(int min_precedence) {
  if (!Nest()) return nullptr;
  ExprPtr expr = Prefix();
  if (expr) expr = Climb(std::move(expr), min_precedence);
  --nesting_;
  return expr;
}

// What may follow an expression: modifiers, which bind tightest, and operators.
ExprPtr ExpressionParser::Climb(ExprPtr lhs, int min_precedence) {
  while (lhs) {
    const TokenType next = Peek().type;
    if (IsModifier(next)) {
      lhs = Modified(std::move(lhs));
      continue;
    }
    const int precedence = Precedence(next);
    if (precedence == 0 || precedence < min_precedence) break;
    lhs = Binary(std::move(lhs), precedence);
  }
  return lhs;
}

ExprPtr ExpressionParser::Binary(ExprPtr lhs, int precedence) {
  const int lhs_height = height_;
  auto binary = std::make_unique<BinaryExpr>();
  binary->op = ToBinaryOp(Take().type);
  if (!BinaryModifiers(*binary)) return nullptr;
  const bool right_associative = precedence == kPowPrecedence;
  ExprPtr rhs = Expression(right_associative ? precedence : precedence + 1);
  if (!rhs) return nullptr;
  binary->position = {lhs->position.start, rhs->position.end};
  binary->lhs = std::move(lhs);
  binary->rhs = std::move(rhs);
  height_ = std::max(lhs_height, height_);
  if (!CheckHeight(binary->position)) return nullptr;
  const VectorMatching& matching = *binary->matching;
  if (!options_.fill_modifiers && (matching.fill_left || matching.fill_right)) {
    AddError(binary->position, "binop fill modifiers are experimental and not enabled");
  }
  return binary;
}

// One level more than what was parsed last.
bool ExpressionParser::CheckHeight(PositionRange where) {
  if (++height_ <= options_.max_height) return true;
  Stop(where, fmt::format("expression is more than {} levels high", options_.max_height));
  return false;
}

ExprPtr ExpressionParser::Prefix() {
  height_ = 1;
  const TokenType type = Peek().type;
  switch (type) {
    case TokenType::kNumber:
    case TokenType::kDuration: return NumberOrDuration();
    case TokenType::kString: return StringInQuotes();
    case TokenType::kLeftParen: return Parenthesised();
    case TokenType::kLeftBrace: return SelectorWithoutName();
    case TokenType::kAdd:
    case TokenType::kSub: return Unary();
    case TokenType::kIdentifier: return NameOrCall();
    default: break;
  }
  if (IsAggregator(type)) return NameOrAggregation();
  if (type >= TokenType::kStart && type <= TokenType::kMinOf) return NameOrCall();
  if (IsMetricName(type)) return Selector(Take());
  return nullptr;
}

bool ExpressionParser::CanStartExpression() {
  switch (Peek().type) {
    case TokenType::kNumber:
    case TokenType::kDuration:
    case TokenType::kString:
    case TokenType::kLeftParen:
    case TokenType::kLeftBrace:
    case TokenType::kAdd:
    case TokenType::kSub: return true;
    default: return IsMetricName(Peek().type);
  }
}

ExprPtr ExpressionParser::NumberOrDuration() {
  const Token token = Take();
  auto number = std::make_unique<NumberLiteral>();
  number->position = token.position();
  number->value = NumberOf(token);
  number->is_duration = token.type == TokenType::kDuration;
  return number;
}

ExprPtr ExpressionParser::StringInQuotes() {
  const Token token = Take();
  auto string = std::make_unique<StringLiteral>();
  string->position = token.position();
  string->value = UnquoteString(token);
  return string;
}

ExprPtr ExpressionParser::Parenthesised() {
  const Token open = Take();
  auto paren = std::make_unique<ParenExpr>();
  paren->expr = Expression(kLowestPrecedence);
  if (!paren->expr || !NextIs(TokenType::kRightParen)) return nullptr;
  paren->position = {open.start, Take().position().end};
  return CheckHeight(paren->position) ? std::move(paren) : nullptr;
}

// A sign binds like a multiplication: tighter than + on its left, looser than ^ on its right.
ExprPtr ExpressionParser::Unary() {
  const Token sign = Take();
  ExprPtr operand = Expression(kMulPrecedence + 1);
  if (!operand) return nullptr;
  if (operand->kind == ExprKind::kNumber) {
    auto& number = As<NumberLiteral>(*operand);
    if (sign.type == TokenType::kSub) number.value *= -1;
    number.position.start = sign.start;
    return operand;
  }
  auto unary = std::make_unique<UnaryExpr>();
  unary->negate = sign.type == TokenType::kSub;
  unary->position = {sign.start, operand->position.end};
  unary->expr = std::move(operand);
  return CheckHeight(unary->position) ? std::move(unary) : nullptr;
}

ExprPtr ExpressionParser::NameOrCall() {
  const Token name = Take();
  return NextIs(TokenType::kLeftParen) ? CallOf(name) : Selector(name);
}

ExprPtr ExpressionParser::NameOrAggregation() {
  const Token name = Take();
  switch (Peek().type) {
    case TokenType::kLeftParen:
    case TokenType::kBy:
    case TokenType::kWithout: return Aggregation(name);
    default: return Selector(name);
  }
}

ExprPtr ExpressionParser::CallOf(const Token& name) {
  auto call = std::make_unique<Call>();
  if (!Arguments(call->args)) return nullptr;
  call->function = FindFunction(name.text);
  call->position = {name.start, last_closing_};
  if (!call->function) {
    AddError(name.position(), "unknown function with name " + Quote(name.text));
  } else if (call->function->experimental && !options_.experimental_functions) {
    AddError(name.position(), fmt::format("function {} is not enabled", Quote(name.text)));
  }
  return CheckHeight(call->position) ? std::move(call) : nullptr;
}

// A list in parentheses, which may be empty.
bool ExpressionParser::Arguments(std::vector<ExprPtr>& arguments) {
  if (!Accept(TokenType::kLeftParen)) return false;
  int height = 0;
  bool more = !NextIs(TokenType::kRightParen);
  while (more) {
    arguments.push_back(Expression(kLowestPrecedence));
    if (!arguments.back()) return false;
    height = std::max(height, height_);
    more = false;
    while (!more && NextIs(TokenType::kComma)) {
      const Token comma = Take();
      more = CanStartExpression();
      if (!more) AddError(comma.position(), "trailing commas not allowed in function call args");
    }
  }
  if (!Accept(TokenType::kRightParen)) return false;
  height_ = height;
  return true;
}

}  // namespace barograph::promql
