#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "promql/parse/token.h"

/// Text to tokens, one at a time.
namespace barograph::promql {

/// Cuts a query, or a series of a test script, into tokens. A token is only cut when it is asked
/// for, because errors are reported in the order in which they are met. Not thread-safe. The text
/// must outlive the lexer and its tokens, and be shorter than 2 GiB.
///
/// What a character means depends on where it stands; the modes are those of Prometheus's lexer,
/// down to their oddities, since they decide which error a wrong query gets.
class Lexer {
 public:
  enum class Language : uint8_t { kExpression, kSeries };

  Lexer(std::string_view text, Language language)
      : text_(text), series_(language == Language::kSeries) {}

  /// The next token. Comments are tokens. After the end of the text, and after most errors, every
  /// further call gives kEof. An error's token starts where the piece that could not be read
  /// starts.
  Token Next();

  /// True when kEof, or an error that ends the scan, was given.
  bool done() const { return mode_ == Mode::kDone; }

  /// The end of the ')' before the last token when that is a ')' too and only spaces lie between
  /// them, else `fallback`: where an expression ended, after one token too many was read.
  int EndOfPreviousParen(int fallback) const;

 private:
  enum class Mode : uint8_t {
    kStatements,
    kInsideBraces,
    kString,
    kRawString,
    kDuration,  // in [ ] up to the first number
    kSeriesValues,
    kHistogram,
    kBuckets,
    kNumber,  // nothing but a number may follow
    kDone,
  };
  // What a histogram in {{ }} is followed by.
  enum class HistogramState : uint8_t { kNone, kOpen, kTimes, kAdd, kSub };

  // Characters, decoded from UTF-8.
  int32_t Read();
  int32_t Peek();
  void Unread() { position_ -= width_; }
  bool Accept(std::string_view set);
  bool NextIs(std::string_view set);
  void AcceptRun(std::string_view set);
  std::string_view pending() const { return text_.substr(start_, position_ - start_); }
  void Ignore() { start_ = position_; }

  void Emit(TokenType type);
  void Error(std::string message);    // the scan goes on in the current mode
  void EndWith(std::string message);  // the scan ends
  void Step();

  void Statements();
  bool SimpleOperator(int32_t c);
  void EndOfText();
  void AfterEqual();
  void AfterExclamation();
  void AfterAngle(TokenType alone, TokenType with_equal, TokenType with_slash);
  void WordInStatements(int32_t first);
  void WordInBrackets(int32_t first);
  void CloseParen();
  void OpenBracket();
  void CloseBracket();

  void InsideBraces();
  void DurationExpression();
  void DurationColon();
  void String();
  void RawString();
  void Escape();
  void EscapeDigits(int32_t c, int count, uint32_t base, uint32_t max);
  void Spaces();
  void Comment();
  void Identifier();
  void KeywordOrIdentifier();
  bool DurationKeyword();
  bool FollowedByLeftParen() const;

  void Number();
  void NumberOrDuration();
  bool ScanNumber();
  bool ScanDot(bool hexadecimal, bool& dot_seen);
  bool ScanExponent(bool& exponent_seen);
  bool ScanUnderscore();
  bool ScanRestOfDuration();

  void SeriesValues();
  void Histogram();
  void HistogramOperator();
  void CloseHistogram();
  void HistogramWord();
  void Buckets();

  std::string_view text_;
  size_t position_ = 0;  // of the next character
  size_t start_ = 0;     // of the token being read
  size_t width_ = 0;     // of the last character read
  int last_start_ = 0;   // of the last token given

  Mode mode_ = Mode::kStatements;
  Token token_;
  bool token_ready_ = false;
  std::string error_;

  int paren_depth_ = 0;
  bool brace_open_ = false;
  bool bracket_open_ = false;
  bool colon_seen_ = false;     // after [
  bool duration_seen_ = false;  // after [
  int32_t quote_ = 0;           // that the string being read started with

  bool series_;
  HistogramState histogram_ = HistogramState::kNone;
};

}  // namespace barograph::promql
