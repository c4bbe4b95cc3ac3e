#include "promql/parse/literals.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <utility>

#include "base/model/number.h"
#include "base/model/sample.h"
#include "promql/parse/characters.h"

namespace barograph::promql {
namespace {

constexpr char Lower(char c) { return static_cast<char>(c | 0x20); }

bool HasBasePrefix(std::string_view text) {
  if (text.size() < 2 || text[0] != '0') return false;
  const char c = Lower(text[1]);
  return c == 'b' || c == 'o' || c == 'x';
}

// Underscores may stand between digits, and between a base prefix and a digit.
bool UnderscoresAreValid(std::string_view text) {
  enum class Saw : uint8_t { kStart, kDigit, kUnderscore, kOther } saw = Saw::kStart;
  bool hexadecimal = false;
  if (HasBasePrefix(text)) {
    hexadecimal = Lower(text[1]) == 'x';
    saw = Saw::kDigit;
    text.remove_prefix(2);
  }
  for (const char c : text) {
    if (IsDigit(c) || (hexadecimal && DigitValue(c) < 16)) {
      saw = Saw::kDigit;
    } else if (c == '_') {
      if (saw != Saw::kDigit) return false;
      saw = Saw::kUnderscore;
    } else {
      if (saw == Saw::kUnderscore) return false;
      saw = Saw::kOther;
    }
  }
  return saw != Saw::kUnderscore;
}

std::string WithoutUnderscores(std::string_view text) {
  std::string out(text);
  std::erase(out, '_');
  return out;
}

std::optional<int64_t> IntegerValue(std::string_view text) {
  if (text.contains('_') && !UnderscoresAreValid(text)) return std::nullopt;
  std::string digits = WithoutUnderscores(text);
  int base = 10;
  if (digits.starts_with('0')) {
    const bool prefixed = digits.size() >= 3 && HasBasePrefix(digits);
    const char letter = prefixed ? Lower(digits[1]) : 'o';
    base = letter == 'x' ? 16 : letter == 'b' ? 2 : 8;
    digits.erase(0, prefixed ? 2 : 1);
    if (digits.empty()) return 0;
  }
  int64_t value = 0;
  if (digits.empty() || digits[0] == '-') return std::nullopt;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

std::unexpected<std::string> ConversionError(std::string_view function, std::string_view text,
                                             std::string_view what) {
  return std::unexpected(fmt::format("strconv.{}: parsing {}: {}", function, Quote(text), what));
}

std::expected<double, std::string> FloatValue(std::string_view text) {
  const auto invalid = [&] { return ConversionError("ParseFloat", text, "invalid syntax"); };
  if (text.contains('_') && !UnderscoresAreValid(text)) return invalid();
  const std::string digits = WithoutUnderscores(text);
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (end != digits.data() + digits.size() || error == std::errc::invalid_argument) {
    return invalid();
  }
  if (error == std::errc::result_out_of_range) {
    value = std::strtod(digits.c_str(), nullptr);
    if (std::isinf(value)) return ConversionError("ParseFloat", text, "value out of range");
  }
  return std::isnan(value) ? kNormalNan : value;
}

std::optional<int32_t> EscapedNumber(std::string_view& text, size_t count, uint32_t base) {
  if (text.size() < count) return std::nullopt;
  uint64_t value = 0;
  for (size_t i = 0; i < count; ++i) {
    const uint32_t digit = DigitValue(text[i]);
    if (digit >= base) return std::nullopt;
    value = value * base + digit;
  }
  text.remove_prefix(count);
  if (value > 0x10FFFF) return std::nullopt;
  return static_cast<int32_t>(value);
}

bool AppendByte(std::string& out, std::optional<int32_t> byte) {
  if (!byte || *byte > 0xFF) return false;
  out.push_back(static_cast<char>(*byte));
  return true;
}

// Reads what stands behind a backslash.
bool AppendEscape(std::string& out, std::string_view& text, char quote) {
  constexpr std::string_view kLetters = "abfnrtv";
  constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v";
  if (text.empty()) return false;
  const char c = text[0];
  if (c >= '0' && c <= '7') return AppendByte(out, EscapedNumber(text, 3, 8));
  text.remove_prefix(1);
  if (const size_t i = kLetters.find(c); i != std::string_view::npos) {
    out.push_back(kMeanings[i]);
    return true;
  }
  if (c == 'x') return AppendByte(out, EscapedNumber(text, 2, 16));
  if (c == 'u' || c == 'U') {
    const auto code_point = EscapedNumber(text, c == 'u' ? 4 : 8, 16);
    if (!code_point) return false;
    AppendCharacter(out, *code_point);
    return true;
  }
  if (c != '\\' && c != quote) return false;
  out.push_back(c);
  return true;
}

}  // namespace

std::expected<double, std::string> NumberValue(std::string_view text) {
  if (const auto integer = IntegerValue(text)) return static_cast<double>(*integer);
  return FloatValue(text);
}

std::expected<uint64_t, std::string> UnsignedValue(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size() || error == std::errc::invalid_argument) {
    return ConversionError("ParseUint", text, "invalid syntax");
  }
  if (error != std::errc()) return ConversionError("ParseUint", text, "value out of range");
  return value;
}

std::optional<std::string> Unquote(std::string_view quoted) {
  if (quoted.size() < 2 || quoted.front() != quoted.back()) return std::nullopt;
  const char quote = quoted.front();
  std::string_view text = quoted.substr(1, quoted.size() - 2);
  if (quote == '`') {
    if (text.contains('`')) return std::nullopt;
    return std::string(text);
  }
  if ((quote != '"' && quote != '\'') || text.contains('\n')) return std::nullopt;
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const char c = text[0];
    if (c == quote) return std::nullopt;
    text.remove_prefix(1);
    if (c != '\\') {
      out.push_back(c);
    } else if (!AppendEscape(out, text, quote)) {
      return std::nullopt;
    }
  }
  return out;
}

Duration DurationFromSeconds(double seconds) {
  constexpr double kLimit = 9223372036854775808.0;  // 2^63
  const double ns = std::round(seconds * 1e9);
  int64_t whole = std::numeric_limits<int64_t>::min();  // as Go converts NaN
  if (ns >= kLimit) {
    whole = std::numeric_limits<int64_t>::max();
  } else if (ns > -kLimit) {
    whole = static_cast<int64_t>(ns);
  }
  return Duration(whole / 1'000'000);
}

bool IsDurationOutOfRange(double seconds) {
  constexpr double kLimit = 9223372036854775808.0 / 1e9;
  return seconds > kLimit || seconds < -kLimit;
}

double SecondsOf(Duration duration) {
  const int64_t ms = duration.count();
  const int64_t whole = ms / 1000;
  return static_cast<double>(whole) + static_cast<double>(ms % 1000) / 1e3;
}

}  // namespace barograph::promql
