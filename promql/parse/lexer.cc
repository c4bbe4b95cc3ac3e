#include "promql/parse/lexer.h"

#include <fmt/format.h>

#include <utility>

#include "base/model/number.h"
#include "promql/parse/characters.h"

namespace barograph::promql {

Token Lexer::Next() {
  token_ready_ = false;
  if (mode_ == Mode::kDone) Emit(TokenType::kEof);
  // Every step consumes a character, changes the mode or makes a token.
  while (!token_ready_) Step();
  last_start_ = token_.start;
  return token_;
}

int Lexer::EndOfPreviousParen(int fallback) const {
  const bool usable = fallback > 0 && last_start_ > 0 &&
                      std::cmp_less_equal(fallback, text_.size()) &&
                      std::cmp_less(last_start_, text_.size());
  if (!usable || text_[static_cast<size_t>(last_start_)] != ')') return fallback;
  for (int i = last_start_ - 1; i > 0; --i) {
    const char c = text_[static_cast<size_t>(i)];
    if (c == ')') return i + 1;
    if (!IsSpace(c)) return fallback;
  }
  return fallback;
}

void Lexer::Step() {
  switch (mode_) {
    case Mode::kStatements: return Statements();
    case Mode::kInsideBraces: return InsideBraces();
    case Mode::kString: return String();
    case Mode::kRawString: return RawString();
    case Mode::kDuration: return DurationExpression();
    case Mode::kSeriesValues: return SeriesValues();
    case Mode::kHistogram: return Histogram();
    case Mode::kBuckets: return Buckets();
    case Mode::kNumber: mode_ = Mode::kStatements; return Number();
    case Mode::kDone: return;
  }
}

int32_t Lexer::Read() {
  const DecodedCharacter c = DecodeCharacter(text_.substr(position_));
  width_ = c.size;
  position_ += width_;
  return c.code_point;
}

int32_t Lexer::Peek() {
  const int32_t c = Read();
  Unread();
  return c;
}

bool Lexer::NextIs(std::string_view set) {
  const int32_t c = Peek();
  return c > 0 && c < 0x80 && set.contains(static_cast<char>(c));
}

bool Lexer::Accept(std::string_view set) {
  if (!NextIs(set)) return false;
  Read();
  return true;
}

void Lexer::AcceptRun(std::string_view set) {
  while (Accept(set)) {
  }
}

void Lexer::Emit(TokenType type) {
  token_ = {type, static_cast<int>(start_), pending()};
  start_ = position_;
  token_ready_ = true;
}

void Lexer::Error(std::string message) {
  error_ = std::move(message);
  token_ = {TokenType::kError, static_cast<int>(start_), error_};
  token_ready_ = true;
}

void Lexer::EndWith(std::string message) {
  Error(std::move(message));
  mode_ = Mode::kDone;
}

void Lexer::Statements() {
  if (histogram_ != HistogramState::kNone) {
    mode_ = Mode::kHistogram;
    return;
  }
  if (brace_open_) {
    mode_ = Mode::kInsideBraces;
    return;
  }
  const int32_t c = Read();
  if (SimpleOperator(c)) return;
  switch (c) {
    case kEndOfText: return EndOfText();
    case '#': return Comment();
    case '=': return AfterEqual();
    case '!': return AfterExclamation();
    case '<': return AfterAngle(TokenType::kLess, TokenType::kLessEqual, TokenType::kTrimUpper);
    case '>':
      return AfterAngle(TokenType::kGreater, TokenType::kGreaterEqual, TokenType::kTrimLower);
    case '"':
    case '\'':
    case '`':
      quote_ = c;
      mode_ = c == '`' ? Mode::kRawString : Mode::kString;
      return;
    case ')': return CloseParen();
    case '{':
      Emit(TokenType::kLeftBrace);
      brace_open_ = true;
      mode_ = Mode::kInsideBraces;
      return;
    case '[': return OpenBracket();
    case ']': return CloseBracket();
    default: break;
  }
  if (IsSpace(c)) return Spaces();
  if (IsDigit(c) || (c == '.' && IsDigit(Peek()))) {
    position_ = start_;
    return NumberOrDuration();
  }
  if (IsAlpha(c) || c == ':') return WordInStatements(c);
  EndWith("unexpected character: " + QuoteCharacter(c));
}

bool Lexer::SimpleOperator(int32_t c) {
  switch (c) {
    case ',': Emit(TokenType::kComma); return true;
    case '*': Emit(TokenType::kMul); return true;
    case '/': Emit(TokenType::kDiv); return true;
    case '%': Emit(TokenType::kMod); return true;
    case '+': Emit(TokenType::kAdd); return true;
    case '-': Emit(TokenType::kSub); return true;
    case '^': Emit(TokenType::kPow); return true;
    case '@':
      if (mode_ != Mode::kStatements) return false;
      Emit(TokenType::kAt);
      return true;
    case '(':
      Emit(TokenType::kLeftParen);
      ++paren_depth_;
      return true;
    default: return false;
  }
}

void Lexer::EndOfText() {
  if (paren_depth_ != 0) return EndWith("unclosed left parenthesis");
  if (bracket_open_) return EndWith("unclosed left bracket");
  Emit(TokenType::kEof);
  mode_ = Mode::kDone;
}

void Lexer::AfterEqual() {
  if (Accept("=")) return Emit(TokenType::kEqualEqual);
  if (NextIs("~")) return EndWith("unexpected character after '=': '~'");
  Emit(TokenType::kEqual);
}

void Lexer::AfterExclamation() {
  const int32_t c = Read();
  if (c != '=') return EndWith("unexpected character after '!': " + QuoteCharacter(c));
  Emit(TokenType::kNotEqual);
}

void Lexer::AfterAngle(TokenType alone, TokenType with_equal, TokenType with_slash) {
  if (Accept("=")) return Emit(with_equal);
  if (Accept("/")) return Emit(with_slash);
  Emit(alone);
}

void Lexer::WordInStatements(int32_t first) {
  if (bracket_open_) return WordInBrackets(first);
  Unread();
  KeywordOrIdentifier();
}

// Behind the first number in brackets: a colon, or a function of durations.
void Lexer::WordInBrackets(int32_t first) {
  if (first == ':') {
    if (colon_seen_) return EndWith("unexpected colon ':'");
    Emit(TokenType::kColon);
    colon_seen_ = true;
    return;
  }
  Unread();
  if (DurationKeyword()) return;
  EndWith(fmt::format("unexpected character: {}, expected ':'", QuoteCharacter(first)));
}

void Lexer::CloseParen() {
  Emit(TokenType::kRightParen);
  if (--paren_depth_ < 0) EndWith("unexpected right parenthesis ')'");
}

void Lexer::OpenBracket() {
  if (bracket_open_) return EndWith("unexpected left bracket '['");
  colon_seen_ = false;
  Emit(TokenType::kLeftBracket);
  while (IsSpace(Peek())) Read();
  Ignore();
  bracket_open_ = true;
  mode_ = Mode::kDuration;
}

void Lexer::CloseBracket() {
  if (!bracket_open_) return EndWith("unexpected right bracket ']'");
  Emit(TokenType::kRightBracket);
  bracket_open_ = false;
}

void Lexer::InsideBraces() {
  const int32_t c = Read();
  if (IsSpace(c)) return Spaces();
  if (IsAlpha(c)) return Identifier();
  switch (c) {
    case kEndOfText: return EndWith("unexpected end of input inside braces");
    case '#': return Comment();
    case ',': return Emit(TokenType::kComma);
    case '"':
    case '\'':
    case '`':
      quote_ = c;
      mode_ = c == '`' ? Mode::kRawString : Mode::kString;
      return;
    case '=': return Emit(Accept("~") ? TokenType::kEqualRegex : TokenType::kEqual);
    case '!': {
      const int32_t next = Read();
      if (next == '~') return Emit(TokenType::kNotEqualRegex);
      if (next == '=') return Emit(TokenType::kNotEqual);
      return EndWith("unexpected character after '!' inside braces: " + QuoteCharacter(next));
    }
    case '{': return EndWith("unexpected left brace '{'");
    case '}':
      Emit(TokenType::kRightBrace);
      brace_open_ = false;
      mode_ = series_ ? Mode::kSeriesValues : Mode::kStatements;
      return;
    default: return EndWith("unexpected character inside braces: " + QuoteCharacter(c));
  }
}

void Lexer::DurationExpression() {
  const int32_t c = Read();
  if (c == kEndOfText) return EndWith("unexpected end of input in duration expression");
  if (SimpleOperator(c)) return;
  if (IsSpace(c)) return Ignore();
  if (c == ']') {
    CloseBracket();
    colon_seen_ = false;
    mode_ = Mode::kStatements;
    return;
  }
  if (c == ':') return DurationColon();
  if (c == ')') return CloseParen();
  if (IsDigit(c) || (c == '.' && IsDigit(Peek()))) {
    position_ = start_;
    duration_seen_ = true;
    return NumberOrDuration();
  }
  if (IsAlpha(c)) {
    Unread();
    if (DurationKeyword()) return;
  }
  EndWith("unexpected character in duration expression: " + QuoteCharacter(c));
}

void Lexer::DurationColon() {
  Emit(TokenType::kColon);
  if (!duration_seen_) {
    return EndWith("unexpected colon before duration in duration expression");
  }
  if (colon_seen_) return EndWith("unexpected repeated colon in duration expression");
  colon_seen_ = true;
}

void Lexer::Spaces() {
  while (IsSpace(Peek())) Read();
  Ignore();
  mode_ = Mode::kStatements;
}

void Lexer::Comment() {
  int32_t c = Read();
  while (c != '\n' && c != '\r' && c != kEndOfText) c = Read();
  Unread();
  Emit(TokenType::kComment);
  mode_ = Mode::kStatements;
}

void Lexer::Identifier() {
  while (IsAlphaNumeric(Peek())) Read();
  Emit(TokenType::kIdentifier);
  mode_ = Mode::kStatements;
}

void Lexer::KeywordOrIdentifier() {
  while (IsAlphaNumeric(Peek()) || NextIs(":")) Read();
  const std::string_view word = pending();
  TokenType type = KeywordType(word);
  const bool is_fill =
      type == TokenType::kFill || type == TokenType::kFillLeft || type == TokenType::kFillRight;
  if (is_fill && !FollowedByLeftParen()) type = TokenType::kIdentifier;
  if (type == TokenType::kEof) {
    type = word.contains(':') ? TokenType::kMetricIdentifier : TokenType::kIdentifier;
  }
  Emit(type);
  mode_ = series_ && Peek() != '{' ? Mode::kSeriesValues : Mode::kStatements;
}

// A word of letters, if it is a function of durations; else the letters stay read.
bool Lexer::DurationKeyword() {
  while (IsAlpha(Peek())) Read();
  const TokenType type = KeywordType(pending());
  if (type != TokenType::kStep && type != TokenType::kRange && type != TokenType::kMaxOf &&
      type != TokenType::kMinOf) {
    return false;
  }
  Emit(type);
  return true;
}

bool Lexer::FollowedByLeftParen() const {
  size_t i = position_;
  while (i < text_.size() && IsSpace(text_[i])) ++i;
  return i < text_.size() && text_[i] == '(';
}

}  // namespace barograph::promql
