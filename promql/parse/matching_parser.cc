#include <optional>
#include <utility>

#include "base/model/labels.h"
#include "base/model/number.h"
#include "promql/parse/expression_parser.h"

/// What stands between an operator and its right side: bool, on, ignoring, group_left, fill; and
/// the lists of label names, which by and without have too.
namespace barograph::promql {
namespace {

// Keywords that are label names in a list of labels. (without is not one of them, as Prometheus
// has it.)
bool IsLabelName(TokenType type) {
  switch (type) {
    case TokenType::kIdentifier:
    case TokenType::kMetricIdentifier:
    case TokenType::kAnd:
    case TokenType::kOr:
    case TokenType::kUnless:
    case TokenType::kAtan2: return true;
    case TokenType::kWithout: return false;
    default: return type >= TokenType::kSum && type <= TokenType::kMinOf;
  }
}

}  // namespace

bool ExpressionParser::BinaryModifiers(BinaryExpr& binary) {
  VectorMatching& matching = binary.matching.emplace();
  binary.return_bool = Accept(TokenType::kBool);
  if (NextIs(TokenType::kOn) || NextIs(TokenType::kIgnoring)) {
    if (!OnOrIgnoring(matching)) return false;
  }
  return FillModifiers(matching);
}

bool ExpressionParser::OnOrIgnoring(VectorMatching& matching) {
  matching.on = Take().type == TokenType::kOn;
  if (!GroupingLabels(matching.labels)) return false;
  if (Accept(TokenType::kGroupLeft)) {
    matching.card = VectorCardinality::kManyToOne;
  } else if (Accept(TokenType::kGroupRight)) {
    matching.card = VectorCardinality::kOneToMany;
  } else {
    return true;
  }
  // The labels may lack; but what can follow neither them nor nothing is reported as if it stood
  // for them.
  const bool lacks = !NextIs(TokenType::kLeftParen) && CanStartExpression();
  return lacks || GroupingLabels(matching.include);
}

// fill(x); or fill_left(x) and fill_right(x), one or both, in either order.
bool ExpressionParser::FillModifiers(VectorMatching& matching) {
  if (Accept(TokenType::kFill)) {
    matching.fill_left = matching.fill_right = FillValue();
    return matching.fill_left.has_value();
  }
  while (true) {
    const bool left = NextIs(TokenType::kFillLeft);
    if (!left && !NextIs(TokenType::kFillRight)) return true;
    auto& fill = left ? matching.fill_left : matching.fill_right;
    if (fill) return true;  // a second one is a metric of that name
    Take();
    fill = FillValue();
    if (!fill) return false;
  }
}

std::optional<double> ExpressionParser::FillValue() {
  if (!Accept(TokenType::kLeftParen)) return std::nullopt;
  const bool negate = NextIs(TokenType::kSub);
  if (negate || NextIs(TokenType::kAdd)) Take();
  if (!NextIs(TokenType::kNumber) && !NextIs(TokenType::kDuration)) return std::nullopt;
  const double value = NumberOf(Take());
  if (!Accept(TokenType::kRightParen)) return std::nullopt;
  return negate ? value * -1 : value;
}

bool ExpressionParser::GroupingLabels(std::vector<std::string>& labels) {
  if (!Accept(TokenType::kLeftParen)) {
    Unexpected("grouping opts", "\"(\"");
    return false;
  }
  if (Accept(TokenType::kRightParen)) return true;
  do {
    if (!GroupingLabel(labels)) return false;
    if (Accept(TokenType::kRightParen)) return true;
    if (!Accept(TokenType::kComma)) {
      Unexpected("grouping opts", "\",\" or \")\"");
      return false;
    }
  } while (!Accept(TokenType::kRightParen));
  return true;
}

bool ExpressionParser::GroupingLabel(std::vector<std::string>& labels) {
  const TokenType type = Peek().type;
  if (type != TokenType::kString && !IsLabelName(type)) {
    Unexpected("grouping opts", "label");
    return false;
  }
  const Token token = Take();
  labels.push_back(type == TokenType::kString ? UnquoteString(token) : std::string(token.text));
  if (!IsValidLabelName(labels.back(), NameValidation::kUtf8)) {
    AddError(token.position(), "invalid label name for grouping: " + Quote(labels.back()));
  }
  return true;
}

}  // namespace barograph::promql
