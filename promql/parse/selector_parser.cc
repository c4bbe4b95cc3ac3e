#include <optional>
#include <utility>

#include "promql/parse/expression_parser.h"

/// name{label="value", ...}.
namespace barograph::promql {
namespace {

std::optional<MatchType> MatchOperator(TokenType type) {
  switch (type) {
    case TokenType::kEqual: return MatchType::kEqual;
    case TokenType::kNotEqual: return MatchType::kNotEqual;
    case TokenType::kEqualRegex: return MatchType::kRegex;
    case TokenType::kNotEqualRegex: return MatchType::kNotRegex;
    default: return std::nullopt;
  }
}

}  // namespace

// `name` was just taken.
ExprPtr ExpressionParser::Selector(const Token& name) {
  height_ = 1;
  std::unique_ptr<VectorSelector> selector;
  if (NextIs(TokenType::kLeftBrace)) {
    selector = LabelMatchers();
    if (!selector) return nullptr;
    selector->position.start = name.start;
  } else {
    selector = std::make_unique<VectorSelector>();
    selector->position = name.position();
  }
  selector->name = name.text;
  selector->matchers.push_back(Matcher::Equal(std::string(kMetricName), selector->name));
  return selector;
}

ExprPtr ExpressionParser::SelectorWithoutName() { return LabelMatchers(); }

std::unique_ptr<VectorSelector> ExpressionParser::LabelMatchers() {
  auto selector = std::make_unique<VectorSelector>();
  const int start = Take().start;
  if (!NextIs(TokenType::kRightBrace) && !MatcherList(selector->matchers)) return nullptr;
  selector->position = {start, Take().position().end};
  return selector;
}

// Up to the closing brace, which is not taken.
bool ExpressionParser::MatcherList(Matchers& matchers) {
  do {
    if (!OneMatcher(matchers)) return false;
    if (NextIs(TokenType::kRightBrace)) return true;
    if (!Accept(TokenType::kComma)) {
      Unexpected("label matching", "\",\" or \"}\"");
      return false;
    }
  } while (!NextIs(TokenType::kRightBrace));
  return true;
}

bool ExpressionParser::OneMatcher(Matchers& matchers) {
  const bool quoted = NextIs(TokenType::kString);
  if (!quoted && !NextIs(TokenType::kIdentifier)) {
    Unexpected("label matching", "identifier or \"}\"");
    return false;
  }
  const Token label = Take();
  std::string name = quoted ? UnquoteString(label) : std::string(label.text);
  const auto op = MatchOperator(Peek().type);
  if (!op) {
    if (!quoted) {
      Unexpected("label matching", "label matching operator");
      return false;
    }
    matchers.push_back(Matcher::Equal(std::string(kMetricName), std::move(name)));
    return true;
  }
  Take();
  if (!NextIs(TokenType::kString)) {
    Unexpected("label matching", "string");
    return false;
  }
  AddMatcher(matchers, label.start, std::move(name), *op);
  return true;
}

// Takes the value.
void ExpressionParser::AddMatcher(Matchers& matchers, int start, std::string name, MatchType op) {
  const Token value = Take();
  auto matcher = Matcher::Make(op, std::move(name), UnquoteString(value));
  if (matcher) {
    matchers.push_back(*std::move(matcher));
  } else {
    AddError({start, value.position().end}, matcher.error().message);
  }
}

}  // namespace barograph::promql
