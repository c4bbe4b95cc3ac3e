#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "promql/parse/expression_parser.h"
#include "promql/parse/literals.h"

/// What stands behind an expression: offset, @, anchored, smoothed, [range] and [range:step].
namespace barograph::promql {
namespace {

constexpr std::string_view kNotAVectorSelector = "ranges only allowed for vector selectors";

// As Go's %f prints.
std::string FixedText(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{:f}", value);
}

bool IsOutOfBounds(double seconds) {
  constexpr double kLimit = 9223372036854775808.0;  // 2^63
  return !(seconds < kLimit && seconds > -kLimit);
}

Timestamp TimestampOf(double seconds) {
  constexpr double kLimit = 4611686018427387904.0;  // 2^62
  const double ms = std::round(seconds * 1000);
  if (!(ms < kLimit)) return kMaxTimestamp;
  if (!(ms > -kLimit)) return kMinTimestamp;
  return FromMs(static_cast<int64_t>(ms));
}

// The part of the tree that holds offset and @: null for an expression that takes none.
TimeModifiers* TimeOf(Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kVectorSelector: return &As<VectorSelector>(expr).time;
    case ExprKind::kMatrixSelector: {
      auto& vector = As<MatrixSelector>(expr).vector;
      return vector ? &vector->time : nullptr;
    }
    case ExprKind::kSubquery: return &As<SubqueryExpr>(expr).time;
    default: return nullptr;
  }
}

bool HasOffset(const TimeModifiers& time) {
  return time.offset != Duration(0) || time.offset_expr != nullptr;
}

bool HasAt(const TimeModifiers& time) { return !std::holds_alternative<std::monostate>(time.at); }

// A literal's duration goes into `plain`, anything else into `expression`.
void SetDuration(ExprPtr duration, Duration& plain, ExprPtr& expression) {
  if (duration->kind == ExprKind::kNumber) {
    plain = DurationFromSeconds(As<NumberLiteral>(*duration).value);
  } else {
    expression = std::move(duration);
  }
}

}  // namespace

bool ExpressionParser::IsModifier(TokenType type) {
  return type == TokenType::kOffset || type == TokenType::kAt || type == TokenType::kAnchored ||
         type == TokenType::kSmoothed || type == TokenType::kLeftBracket;
}

ExprPtr ExpressionParser::Modified(ExprPtr expr) {
  bool ok = true;
  switch (Peek().type) {
    case TokenType::kOffset: ok = Offset(*expr); break;
    case TokenType::kAt: ok = At(*expr); break;
    case TokenType::kAnchored:
      Take();
      SetExtended(*expr, "anchored", &VectorSelector::anchored, &VectorSelector::smoothed);
      break;
    case TokenType::kSmoothed:
      Take();
      SetExtended(*expr, "smoothed", &VectorSelector::smoothed, &VectorSelector::anchored);
      break;
    default: return RangeOrSubquery(std::move(expr));
  }
  return ok ? std::move(expr) : nullptr;
}

bool ExpressionParser::Offset(Expr& expr) {
  Take();
  const int height = height_;
  ExprPtr offset = OffsetDuration();
  height_ = height;
  if (!offset) {
    Unexpected("offset", "number, duration, step(), or range()");
    return false;
  }
  SetOffset(expr, std::move(offset));
  return true;
}

void ExpressionParser::SetOffset(Expr& expr, ExprPtr offset) {
  if (!TakesTimeModifiers(expr, "offset")) return;
  TimeModifiers& time = *TimeOf(expr);
  if (HasOffset(time)) {
    AddError(expr.position, "offset may not be set multiple times");
  } else {
    SetDuration(std::move(offset), time.offset, time.offset_expr);
  }
  expr.position.end = last_closing_;
}

bool ExpressionParser::TakesTimeModifiers(const Expr& expr, std::string_view what) {
  if (expr.kind == ExprKind::kMatrixSelector && !As<MatrixSelector>(expr).vector) {
    AddError(expr.position, std::string(kNotAVectorSelector));
    return false;
  }
  if (expr.kind == ExprKind::kVectorSelector || expr.kind == ExprKind::kMatrixSelector ||
      expr.kind == ExprKind::kSubquery) {
    return true;
  }
  AddError(expr.position, fmt::format("{} modifier must be preceded by an instant vector selector "
                                      "or range vector selector or a subquery",
                                      what));
  return false;
}

bool ExpressionParser::At(Expr& expr) {
  Take();
  const TokenType type = Peek().type;
  AtModifier at;
  if (type == TokenType::kStart || type == TokenType::kEnd) {
    Take();
    at = type == TokenType::kStart ? AtModifier(AtStart{}) : AtModifier(AtEnd{});
    if (Accept(TokenType::kLeftParen) && Accept(TokenType::kRightParen)) {
      SetAt(expr, at);
      return true;
    }
  } else if (const auto seconds = SignedNumber()) {
    if (IsOutOfBounds(*seconds)) {
      AddError(expr.position, "timestamp out of bounds for @ modifier: " + FixedText(*seconds));
    }
    SetAt(expr, TimestampOf(*seconds));
    return true;
  }
  Unexpected("@", "timestamp");
  return false;
}

std::optional<double> ExpressionParser::SignedNumber() {
  const bool negate = NextIs(TokenType::kSub);
  if (negate || NextIs(TokenType::kAdd)) Take();
  if (!NextIs(TokenType::kNumber) && !NextIs(TokenType::kDuration)) return std::nullopt;
  const double value = NumberOf(Take());
  return negate ? -value : value;
}

void ExpressionParser::SetAt(Expr& expr, const AtModifier& at) {
  if (!TakesTimeModifiers(expr, "@")) return;
  TimeModifiers& time = *TimeOf(expr);
  if (HasAt(time)) return AddError(expr.position, "@ <timestamp> may not be set multiple times");
  time.at = at;
  expr.position.end = last_closing_;
}

void ExpressionParser::SetExtended(Expr& expr, std::string_view name, bool VectorSelector::* flag,
                                   bool VectorSelector::* other) {
  const PositionRange where = expr.position;
  if (!options_.extended_range_selectors) {
    return AddError(where, fmt::format("{} modifier is experimental and not enabled", name));
  }
  VectorSelector* selector = nullptr;
  switch (expr.kind) {
    case ExprKind::kVectorSelector: selector = &As<VectorSelector>(expr); break;
    case ExprKind::kMatrixSelector: selector = As<MatrixSelector>(expr).vector.get(); break;
    case ExprKind::kSubquery:
      return AddError(where, fmt::format("{} modifier is not supported for subqueries", name));
    default: return AddError(where, fmt::format("{} modifier not implemented", name));
  }
  if (!selector) return;
  selector->*flag = true;
  if (selector->*other) {
    AddError(where, "anchored and smoothed modifiers cannot be used together");
  }
}

ExprPtr ExpressionParser::RangeOrSubquery(ExprPtr expr) {
  const Token open = Take();
  const int height = height_;
  ExprPtr range = PositiveDuration();
  height_ = height;
  if (!range) {
    Unexpected("subquery or range selector", "number, duration, step(), or range()");
    return nullptr;
  }
  if (NextIs(TokenType::kRightBracket)) return Range(std::move(expr), std::move(range), open);
  if (Accept(TokenType::kColon)) return Subquery(std::move(expr), std::move(range));
  Unexpected("subquery or range", "\":\" or \"]\"");
  return nullptr;
}

ExprPtr ExpressionParser::Range(ExprPtr expr, ExprPtr range, const Token& open) {
  const PositionRange brackets = {open.start, Take().position().end};
  auto matrix = std::make_unique<MatrixSelector>();
  matrix->position = {expr->position.start, last_closing_};
  SetDuration(std::move(range), matrix->range, matrix->range_expr);
  if (expr->kind != ExprKind::kVectorSelector) {
    AddError(brackets, std::string(kNotAVectorSelector));
    return matrix;
  }
  const TimeModifiers& time = As<VectorSelector>(*expr).time;
  if (HasOffset(time)) {
    AddError(brackets, "no offset modifiers allowed before range");
  } else if (HasAt(time)) {
    AddError(brackets, "no @ modifiers allowed before range");
  }
  matrix->vector.reset(&As<VectorSelector>(*expr.release()));
  return CheckHeight(matrix->position) ? std::move(matrix) : nullptr;
}

ExprPtr ExpressionParser::Subquery(ExprPtr expr, ExprPtr range) {
  auto subquery = std::make_unique<SubqueryExpr>();
  SetDuration(std::move(range), subquery->range, subquery->range_expr);
  if (!NextIs(TokenType::kRightBracket)) {
    const int height = height_;
    ExprPtr step = PositiveDuration();
    height_ = height;
    if (!step) {
      Unexpected("subquery selector", "number, duration, step(), range(), or \"]\"");
      return nullptr;
    }
    if (!NextIs(TokenType::kRightBracket)) {
      Unexpected("subquery selector", "\"]\"");
      return nullptr;
    }
    SetDuration(std::move(step), subquery->step, subquery->step_expr);
  }
  subquery->position = {expr->position.start, Take().position().end};
  subquery->expr = std::move(expr);
  return CheckHeight(subquery->position) ? std::move(subquery) : nullptr;
}

}  // namespace barograph::promql
