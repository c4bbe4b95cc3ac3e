#include "promql/parse/characters.h"

#include <fmt/format.h>

#include "base/bytes/utf8.h"
#include "base/model/number.h"

namespace barograph::promql {
namespace {

bool Prints(int32_t c) {
  if (c == '"' || c == '\\') return true;
  std::string text;
  AppendCharacter(text, c);
  return Quote(text) == "\"" + text + "\"";
}

}  // namespace

DecodedCharacter DecodeCharacter(std::string_view text) {
  if (text.empty()) return {};
  const auto first = static_cast<uint8_t>(text[0]);
  if (first < 0x80) return {first, 1};
  const Rune rune = DecodeRune(text);
  return {static_cast<int32_t>(rune.code), rune.size};
}

void AppendCharacter(std::string& out, int32_t c) {
  AppendRune(out, c < 0 ? kReplacementRune : static_cast<char32_t>(c));
}

std::string QuoteCharacter(int32_t c) {
  if (c == '\'') return "'\\''";
  if (c == '"') return "'\"'";
  std::string text;
  AppendCharacter(text, c);
  std::string quoted = Quote(text);
  quoted.front() = quoted.back() = '\'';
  return quoted;
}

std::string DescribeCharacter(int32_t c) {
  std::string out = fmt::format("U+{:04X}", static_cast<uint32_t>(c));
  if (!Prints(c)) return out;
  out += " '";
  AppendCharacter(out, c);
  return out + "'";
}

}  // namespace barograph::promql
