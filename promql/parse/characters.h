#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// Characters as Prometheus's lexer sees them: code points decoded from UTF-8, -1 at the end of the
/// text.
namespace barograph::promql {

inline constexpr int32_t kEndOfText = -1;
inline constexpr int32_t kReplacementCharacter = 0xFFFD;

struct DecodedCharacter {
  int32_t code_point = kEndOfText;
  size_t size = 0;
};

/// The first character. A byte that is not UTF-8 is U+FFFD of size 1.
DecodedCharacter DecodeCharacter(std::string_view text);

/// Precondition: a valid code point, or one that is replaced by U+FFFD.
void AppendCharacter(std::string& out, int32_t code_point);

/// In single quotes, escaped as Go's strconv.QuoteRune does.
std::string QuoteCharacter(int32_t code_point);

/// U+002E '.': the number, and the character itself if it prints.
std::string DescribeCharacter(int32_t code_point);

constexpr bool IsSpace(int32_t c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
constexpr bool IsDigit(int32_t c) { return c >= '0' && c <= '9'; }
constexpr bool IsAlpha(int32_t c) {
  return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool IsAlphaNumeric(int32_t c) { return IsAlpha(c) || IsDigit(c); }

/// 16 for what is no hexadecimal digit.
constexpr uint32_t DigitValue(int32_t c) {
  if (IsDigit(c)) return static_cast<uint32_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<uint32_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<uint32_t>(c - 'A' + 10);
  return 16;
}

}  // namespace barograph::promql
