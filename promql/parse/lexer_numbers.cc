#include "base/model/number.h"
#include "promql/parse/characters.h"
#include "promql/parse/lexer.h"

/// Numbers, durations and strings.
namespace barograph::promql {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kHexDigits = "0123456789abcdefABCDEF";

}  // namespace

void Lexer::Number() {
  if (!ScanNumber()) return EndWith("bad number syntax: " + Quote(pending()));
  Emit(TokenType::kNumber);
}

void Lexer::NumberOrDuration() {
  mode_ = Mode::kStatements;
  if (ScanNumber()) return Emit(TokenType::kNumber);
  if (ScanRestOfDuration()) {
    Unread();
    return Emit(TokenType::kDuration);
  }
  EndWith("bad number or duration syntax: " + Quote(pending()));
}

// Reads what looks like a number; whether it is one is found when it is converted.
bool Lexer::ScanNumber() {
  const size_t first = position_;
  // In a series 0x3 is "0, three times", so there are no hexadecimal numbers.
  const bool hexadecimal = !series_ && Accept("0") && Accept("xX");
  if (hexadecimal) Accept("_");
  const std::string_view digits = hexadecimal ? kHexDigits : kDigits;
  Accept(".");
  Accept(digits);
  bool dot_seen = false;
  bool exponent_seen = false;
  while (NextIs(digits) || NextIs("._eE")) {
    if (NextIs(".")) {
      if (!ScanDot(hexadecimal, dot_seen)) return false;
    } else if (NextIs("eE")) {
      if (!ScanExponent(exponent_seen)) return false;
    } else if (NextIs("_")) {
      if (!ScanUnderscore()) return false;
    } else {
      AcceptRun(digits);
    }
  }
  if (position_ == first) return false;
  const int32_t next = Peek();
  return (series_ && next == 'x') || !IsAlphaNumeric(next);
}

bool Lexer::ScanDot(bool hexadecimal, bool& dot_seen) {
  Accept(".");
  if (dot_seen) return false;
  dot_seen = true;
  return !Accept("_.") && !hexadecimal;
}

bool Lexer::ScanExponent(bool& exponent_seen) {
  Accept("eE");
  if (exponent_seen) return false;
  exponent_seen = true;
  Accept("+-");
  return !Accept("._eE") && Peek() != kEndOfText;
}

bool Lexer::ScanUnderscore() {
  Accept("_");
  return !Accept("._eE") && Peek() != kEndOfText;
}

// Behind the digits: a unit, then digits and units; reads the character behind it too. Whether the
// units are in order is found when the duration is converted.
bool Lexer::ScanRestOfDuration() {
  if (!Accept("smhdwy")) return false;
  Accept("s");
  while (Accept(kDigits)) {
    AcceptRun(kDigits);
    if (!Accept("smhdw")) return false;
    Accept("s");
  }
  return !IsAlphaNumeric(Read());
}

void Lexer::String() {
  const int32_t c = Read();
  if (c == '\\') return Escape();
  if (c == kReplacementCharacter) return Error("invalid UTF-8 rune");
  if (c == kEndOfText || c == '\n') return EndWith("unterminated quoted string");
  if (c != quote_) return;
  Emit(TokenType::kString);
  mode_ = Mode::kStatements;
}

void Lexer::RawString() {
  const int32_t c = Read();
  if (c == kReplacementCharacter) return Error("invalid UTF-8 rune");
  if (c == kEndOfText) return EndWith("unterminated raw string");
  if (c != quote_) return;
  Emit(TokenType::kString);
  mode_ = Mode::kStatements;
}

void Lexer::Escape() {
  constexpr uint32_t kMaxByte = 255;
  constexpr uint32_t kMaxCodePoint = 0x10FFFF;
  const int32_t c = Read();
  if (c == quote_) return;
  switch (c) {
    case 'a':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
    case 'v':
    case '\\': return;
    case 'x': return EscapeDigits(Read(), 2, 16, kMaxByte);
    case 'u': return EscapeDigits(Read(), 4, 16, kMaxCodePoint);
    case 'U': return EscapeDigits(Read(), 8, 16, kMaxCodePoint);
    case kEndOfText: return Error("escape sequence not terminated");
    default:
      if (c >= '0' && c <= '7') return EscapeDigits(c, 3, 8, kMaxByte);
      return Error("unknown escape sequence " + DescribeCharacter(c));
  }
}

void Lexer::EscapeDigits(int32_t c, int count, uint32_t base, uint32_t max) {
  uint32_t value = 0;
  for (int i = 0; i < count; ++i) {
    if (i > 0) c = Read();
    const uint32_t digit = DigitValue(c);
    if (digit >= base) {
      if (c == kEndOfText) return Error("escape sequence not terminated");
      return Error("illegal character " + DescribeCharacter(c) + " in escape sequence");
    }
    value = value * base + digit;
  }
  if (value > max || (value >= 0xD800 && value < 0xE000)) {
    Error("escape sequence is an invalid Unicode code point");
  }
}

}  // namespace barograph::promql
