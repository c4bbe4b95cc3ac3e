#include "promql/parse/parser_core.h"

#include <fmt/format.h>

#include <utility>

#include "base/model/duration.h"
#include "base/model/number.h"
#include "promql/parse/literals.h"

namespace barograph::promql {
namespace {

bool CanEndExpression(TokenType type) {
  switch (type) {
    case TokenType::kRightBrace:
    case TokenType::kRightParen:
    case TokenType::kRightBracket:
    case TokenType::kDuration:
    case TokenType::kNumber: return true;
    default: return false;
  }
}

}  // namespace

void ParserCore::AddError(PositionRange where, std::string message) {
  if (!stopped_) errors_.push_back({where, std::move(message)});
}

void ParserCore::Stop(PositionRange where, std::string message) {
  AddError(where, std::move(message));
  stopped_ = true;
}

void ParserCore::Unexpected(std::string_view context, std::string_view expected) {
  std::string message = "unexpected " + last_.Describe();
  if (!context.empty()) message += fmt::format(" in {}", context);
  if (!expected.empty()) message += fmt::format(", expected {}", expected);
  Stop(last_.position(), std::move(message));
}

const Token& ParserCore::Peek() {
  if (read_ahead_) return last_;
  do {
    last_ = lexer_.Next();
  } while (last_.type == TokenType::kComment);
  read_ahead_ = true;
  if (CanEndExpression(last_.type)) last_closing_ = last_.position().end;
  if (last_.type == TokenType::kError) {
    Stop({last_.start, static_cast<int>(text_.size())}, std::string(last_.text));
  }
  return last_;
}

Token ParserCore::Take() {
  Token token = Peek();
  read_ahead_ = false;
  return token;
}

bool ParserCore::Accept(TokenType type) {
  if (!NextIs(type)) return false;
  read_ahead_ = false;
  return true;
}

void ParserCore::ExpectEnd() {
  if (!NextIs(TokenType::kEof)) Unexpected("", "");
}

double ParserCore::NumberOf(const Token& token) {
  if (token.type == TokenType::kNumber) {
    const auto value = NumberValue(token.text);
    if (value) return *value;
    AddError(token.position(), "error parsing number: " + value.error());
    return 0;
  }
  const auto duration = ParseDuration(token.text);
  if (duration) return SecondsOf(*duration);
  AddError(token.position(), duration.error().message);
  return 0;
}

std::string ParserCore::UnquoteString(const Token& token) {
  auto value = Unquote(token.text);
  if (value) return *std::move(value);
  AddError(token.position(),
           fmt::format("error unquoting string {}: invalid syntax", Quote(token.text)));
  return {};
}

}  // namespace barograph::promql
