#include "base/model/number.h"
#include "promql/parse/characters.h"
#include "promql/parse/lexer.h"

/// The series notation of test scripts: values, repetitions and native histograms.
namespace barograph::promql {

void Lexer::SeriesValues() {
  if (histogram_ != HistogramState::kNone) {
    mode_ = Mode::kHistogram;
    return;
  }
  const int32_t c = Read();
  if (c == kEndOfText) {
    mode_ = Mode::kStatements;
    return;
  }
  if (c == '{' && Accept("{")) {
    histogram_ = HistogramState::kOpen;
    mode_ = Mode::kHistogram;
    return Emit(TokenType::kOpenHistogram);
  }
  if (IsSpace(c)) {
    Emit(TokenType::kSpace);
    Spaces();
    mode_ = Mode::kSeriesValues;
    return;
  }
  if (c == '+') return Emit(TokenType::kAdd);
  if (c == '-') return Emit(TokenType::kSub);
  if (c == 'x') return Emit(TokenType::kTimes);
  if (c == '_') return Emit(TokenType::kBlank);
  if (IsDigit(c) || (c == '.' && IsDigit(Peek()))) {
    position_ = start_;
    return Number();
  }
  if (IsAlpha(c)) return KeywordOrIdentifier();
  EndWith("unexpected character in series sequence: " + QuoteCharacter(c));
}

void Lexer::Histogram() {
  if (histogram_ != HistogramState::kOpen) return HistogramOperator();
  if (bracket_open_) {
    mode_ = Mode::kBuckets;
    return;
  }
  const int32_t c = Read();
  if (IsSpace(c)) {
    Emit(TokenType::kSpace);
    return Spaces();
  }
  if (IsAlpha(c)) return HistogramWord();
  if (c == ':') return Emit(TokenType::kColon);
  if (c == '-') return Emit(TokenType::kSub);
  if (IsDigit(c)) {
    Unread();
    return Number();
  }
  if (c == '[') {
    bracket_open_ = true;
    mode_ = Mode::kBuckets;
    return Emit(TokenType::kLeftBracket);
  }
  if (c == '}' && Accept("}")) return CloseHistogram();
  EndWith("histogram description incomplete unexpected: " + QuoteCharacter(c));
}

// The x, + or - right behind }}.
void Lexer::HistogramOperator() {
  Read();
  if (histogram_ == HistogramState::kTimes) Emit(TokenType::kTimes);
  if (histogram_ == HistogramState::kAdd) Emit(TokenType::kAdd);
  if (histogram_ == HistogramState::kSub) Emit(TokenType::kSub);
  histogram_ = HistogramState::kNone;
  mode_ = Mode::kSeriesValues;
}

void Lexer::CloseHistogram() {
  Emit(TokenType::kCloseHistogram);
  switch (Peek()) {
    case 'x': histogram_ = HistogramState::kTimes; return;
    case '+': histogram_ = HistogramState::kAdd; return;
    case '-': histogram_ = HistogramState::kSub; return;
    default: histogram_ = HistogramState::kNone; mode_ = Mode::kSeriesValues;
  }
}

void Lexer::HistogramWord() {
  while (IsAlpha(Peek())) Read();
  const std::string_view word = pending();
  if (const TokenType type = HistogramDescriptorType(word); type != TokenType::kEof) {
    if (Peek() == ':') return Emit(type);
    return EndWith("missing `:` for histogram descriptor");
  }
  if (KeywordType(word) == TokenType::kNumber) return Emit(TokenType::kNumber);
  if (const TokenType type = CounterResetHintType(word); type != TokenType::kEof) {
    return Emit(type);
  }
  EndWith("bad histogram descriptor found: " + Quote(word));
}

void Lexer::Buckets() {
  const int32_t c = Read();
  if (IsSpace(c)) {
    Emit(TokenType::kSpace);
    return Spaces();
  }
  if (c == '-') {
    mode_ = Mode::kNumber;
    return Emit(TokenType::kSub);
  }
  if (IsDigit(c)) {
    Unread();
    return Number();
  }
  if (c == ']') {
    bracket_open_ = false;
    mode_ = Mode::kHistogram;
    return Emit(TokenType::kRightBracket);
  }
  if (!IsAlpha(c)) {
    return EndWith("invalid character in buckets description: " + QuoteCharacter(c));
  }
  // Letters gather until they are inf or nan.
  if (KeywordType(pending()) == TokenType::kNumber) Emit(TokenType::kNumber);
}

}  // namespace barograph::promql
