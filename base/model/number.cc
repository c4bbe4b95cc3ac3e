#include "base/model/number.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "base/bytes/digits.h"
#include "base/bytes/utf8.h"
#include "base/model/sample.h"
#include "base/model/shortest_decimal.h"

namespace barograph {
namespace {

bool IsDigit(char c) { return static_cast<unsigned char>(c - '0') < 10; }

bool EqualsIgnoreCase(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((text[i] | 0x20) != lower[i]) return false;
  }
  return true;
}

// Inf and NaN in the forms that Go takes: NaN has no sign.
std::optional<double> ParseSpecial(std::string_view text) {
  if (EqualsIgnoreCase(text, "nan")) return kNormalNan;
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (!EqualsIgnoreCase(text, "inf") && !EqualsIgnoreCase(text, "infinity")) return std::nullopt;
  return negative ? -kInf : kInf;
}

// std::from_chars does not tell too large from too small: strtod does.
std::optional<double> ParseOutOfRange(std::string_view text) {
  const double value = std::strtod(std::string(text).c_str(), nullptr);
  if (std::isinf(value)) return std::nullopt;
  return value;
}

std::optional<double> ParseAnyDecimal(std::string_view text) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  const std::string_view unsigned_text = text.substr(text.starts_with('-') ? 1 : 0);
  if (unsigned_text.empty()) return std::nullopt;
  if (!IsDigit(unsigned_text[0]) && unsigned_text[0] != '.') return std::nullopt;
  double value;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (stop != end || error == std::errc::invalid_argument) return std::nullopt;
  if (error == std::errc::result_out_of_range) return ParseOutOfRange(text);
  return value;
}

constexpr double kPowersOfTen[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
constexpr int kLargestExactPower = 22;

// Adds the digits from `in` on to `digits`, which may overflow; returns where they end.
const char* ReadDigits(const char* in, const char* end, uint64_t& digits) {
  for (; in != end && IsDigit(*in); ++in) digits = digits * 10 + static_cast<uint64_t>(*in - '0');
  return in;
}

// Reads e+05 and the like, of at most three digits, into `exponent`; nullptr when it is not one.
const char* ReadExponent(const char* in, const char* end, int64_t& exponent) {
  ++in;
  const bool negative = in != end && *in == '-';
  if (in != end && (*in == '-' || *in == '+')) ++in;
  uint64_t digits = 0;
  const char* const first = in;
  in = ReadDigits(in, end, digits);
  if (in == first || in - first > 3) return nullptr;
  exponent = negative ? -static_cast<int64_t>(digits) : static_cast<int64_t>(digits);
  return in;
}

// Nearly every value on a page has few digits and a small exponent: it is digits * 10^k, where
// digits < 2^53 and 10^|k| <= 10^22 are both exact doubles, so that one multiplication or division
// rounds correctly (Clinger 1990). Anything else gives nullopt.
std::optional<double> ParseSimpleDecimal(std::string_view text) {
  const char* in = text.data();
  const char* const end = in + text.size();
  const bool negative = in != end && *in == '-';
  if (negative) ++in;
  uint64_t digits = 0;
  const char* const whole = in;
  in = ReadDigits(in, end, digits);
  ptrdiff_t count = in - whole;
  int64_t exponent = 0;
  if (in != end && *in == '.') {
    const char* const fraction = ++in;
    in = ReadDigits(in, end, digits);
    count += in - fraction;
    exponent = fraction - in;
  }
  if (count == 0 || count > 19 || digits >= uint64_t{1} << 53) return std::nullopt;
  if (in != end) {
    int64_t written = 0;
    if (*in != 'e' && *in != 'E') return std::nullopt;
    if (ReadExponent(in, end, written) != end) return std::nullopt;
    exponent += written;
  }
  if (std::abs(exponent) > kLargestExactPower) return std::nullopt;
  const auto number = static_cast<double>(digits);
  const double value =
      exponent < 0 ? number / kPowersOfTen[-exponent] : number * kPowersOfTen[exponent];
  return negative ? -value : value;
}

// The text of SplitDigits into eight bytes.
void StoreDigits(char* out, uint64_t digits) {
  const uint64_t text = digits | kZeroDigits;
  std::memcpy(out, &text, sizeof(text));
}

char* Write8Digits(char* out, uint32_t value) {
  StoreDigits(out, SplitDigits(value));
  return out + 8;
}

// The text of a number of at most eight digits. Writes eight bytes, whatever it has.
char* WriteUpTo8Digits(char* out, uint32_t value) {
  const uint64_t digits = SplitDigits(value);
  const int leading = std::min(std::countr_zero(digits) / 8, 7);
  StoreDigits(out, digits >> (8 * leading));
  return out + 8 - leading;
}

// What follows the point of a number of so many millionths, of which there is at least one. Writes
// eight bytes, whatever it has.
char* WriteMillionths(char* out, uint32_t millionths) {
  const uint64_t digits = SplitDigits(millionths * 100);
  StoreDigits(out, digits);
  return out + 8 - std::countl_zero(digits) / 8;
}

// Writes up to eight bytes more than it has digits.
char* WriteWhole(char* out, uint64_t value) {
  constexpr uint64_t kHalf = 100'000'000;
  if (value < kHalf) return WriteUpTo8Digits(out, static_cast<uint32_t>(value));
  const uint64_t high = value / kHalf;
  const auto low = static_cast<uint32_t>(value % kHalf);
  if (high < kHalf) return Write8Digits(WriteUpTo8Digits(out, static_cast<uint32_t>(high)), low);
  out = WriteUpTo8Digits(out, static_cast<uint32_t>(high / kHalf));
  return Write8Digits(Write8Digits(out, static_cast<uint32_t>(high % kHalf)), low);
}

// The decimal digits of a number: 0.d1d2d3... * 10^point.
struct Decimal {
  static constexpr int kMostDigits = 17;
  std::array<char, 40> text;  // so long that more can be copied than there are
  int begin = 0;              // of the digits in it
  int size = 0;
  int point = 0;

  const char* digits() const { return text.data() + begin; }
};

// Precondition: finite and positive.
Decimal ToShortestDecimal(double size) {
  constexpr uint64_t kEight = 100'000'000;
  constexpr uint64_t kSixteen = kEight * kEight;
  ShortestDecimal shortest = FindShortest(size);
  while (shortest.digits < kSixteen / 10) {  // seldom
    shortest.digits *= 10;
    --shortest.exponent;
  }
  // Sixteen digits are as likely as seventeen: a zero in front costs less than a branch.
  Decimal decimal;
  char* const text = decimal.text.data();
  const uint64_t first = shortest.digits / kSixteen;
  const uint64_t rest = shortest.digits % kSixteen;
  const uint64_t high = SplitDigits(static_cast<uint32_t>(rest / kEight));
  const uint64_t low = SplitDigits(static_cast<uint32_t>(rest % kEight));
  *text = static_cast<char>('0' + first);
  StoreDigits(text + 1, high);
  StoreDigits(text + 9, low);
  const int zeros =
      low != 0 ? std::countl_zero(low) / 8 : 8 + std::min(std::countl_zero(high) / 8, 8);
  decimal.begin = first == 0 ? 1 : 0;
  decimal.size = std::max(1, Decimal::kMostDigits - decimal.begin - zeros);
  decimal.point = Decimal::kMostDigits - decimal.begin + shortest.exponent;
  return decimal;
}

// Copies digits: always as many as there may be, which is quicker than a call that counts.
char* CopyDigits(char* out, const char* digits, int size) {
  std::memcpy(out, digits, Decimal::kMostDigits);
  return out + size;
}

char* WriteFixed(char* out, const Decimal& decimal) {
  const char* const digits = decimal.digits();
  if (decimal.point <= 0) {
    out = std::copy_n("0.", 2, out);
    out = std::fill_n(out, -decimal.point, '0');
    return CopyDigits(out, digits, decimal.size);
  }
  if (decimal.point >= decimal.size) {
    out = CopyDigits(out, digits, decimal.size);
    return std::fill_n(out, decimal.point - decimal.size, '0');
  }
  out = CopyDigits(out, digits, decimal.point);
  *out++ = '.';
  return CopyDigits(out, digits + decimal.point, decimal.size - decimal.point);
}

void AppendScientific(std::string& out, const Decimal& decimal) {
  out += *decimal.digits();
  if (decimal.size > 1) {
    out += '.';
    out.append(decimal.digits() + 1, static_cast<size_t>(decimal.size - 1));
  }
  const int exponent = decimal.point - 1;
  out += exponent < 0 ? "e-" : "e+";
  if (std::abs(exponent) < 10) out += '0';
  out += std::to_string(std::abs(exponent));
}

// Whole numbers, and those of at most 6 decimals, of at most 15 digits in all; nullptr for others.
// Different decimals of so few digits are different doubles, so that the one that reads back as
// `size` is the shortest.
char* WriteShortDecimal(char* out, double size) {
  constexpr uint32_t kUnits = 1'000'000;
  if (!(size < 1e15)) return nullptr;
  const auto whole = static_cast<uint64_t>(static_cast<int64_t>(size));
  if (static_cast<double>(static_cast<int64_t>(whole)) == size) return WriteWhole(out, whole);
  const double scaled = std::nearbyint(size * kUnits);
  if (!(scaled < 1e15) || scaled / kUnits != size) return nullptr;
  const auto units = static_cast<uint64_t>(scaled);
  out = WriteWhole(out, units / kUnits);
  *out++ = '.';
  return WriteMillionths(out, static_cast<uint32_t>(units % kUnits));
}

void AppendHex(std::string& out, char kind, uint32_t value, int digits) {
  out += '\\';
  out += kind;
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
    out += "0123456789abcdef"[value >> shift & 0xf];
  }
}

// Go's unicode.IsPrint for what is not ASCII: letters, marks, numbers, punctuation and symbols.
bool IsPrintable(std::string_view rune) {
  static const RE2 kPrintable("[\\pL\\pM\\pN\\pP\\pS]");
  return RE2::FullMatch(re2::StringPiece(rune.data(), rune.size()), kPrintable);
}

void AppendQuotedAscii(std::string& out, char c) {
  switch (c) {
    case '"': out += "\\\""; break;
    case '\\': out += "\\\\"; break;
    case '\a': out += "\\a"; break;
    case '\b': out += "\\b"; break;
    case '\f': out += "\\f"; break;
    case '\n': out += "\\n"; break;
    case '\r': out += "\\r"; break;
    case '\t': out += "\\t"; break;
    case '\v': out += "\\v"; break;
    default:
      if (c < 0x20 || c == 0x7f) {
        AppendHex(out, 'x', static_cast<uint8_t>(c), 2);
      } else {
        out += c;
      }
  }
}

void AppendQuotedRune(std::string& out, std::string_view bytes, const Rune& rune) {
  if (!rune.valid) {
    AppendHex(out, 'x', static_cast<uint8_t>(bytes[0]), 2);
  } else if (IsPrintable(bytes)) {
    out += bytes;
  } else if (rune.code < 0x10000) {
    AppendHex(out, 'u', rune.code, 4);
  } else {
    AppendHex(out, 'U', rune.code, 8);
  }
}

}  // namespace

std::optional<double> ParseValue(std::string_view text) {
  if (const auto simple = ParseSimpleDecimal(text)) [[likely]] {
    return simple;
  }
  if (const auto special = ParseSpecial(text)) return special;
  return ParseAnyDecimal(text);
}

char* WriteValue(char* out, double value) {
  if (std::isnan(value)) return std::copy_n("NaN", 3, out);
  if (std::signbit(value)) *out++ = '-';
  const double size = std::abs(value);
  if (char* const end = WriteShortDecimal(out, size)) return end;
  if (std::isinf(value)) return std::copy_n(value > 0 ? "+Inf" : "Inf", value > 0 ? 4 : 3, out);
  return WriteFixed(out, ToShortestDecimal(size));
}

char* WriteLongValue(char* out, double value) {
  if (!std::isfinite(value)) return WriteValue(out, value);
  *out = '-';
  out += std::signbit(value) ? 1 : 0;
  return WriteFixed(out, ToShortestDecimal(std::abs(value)));
}

void AppendValue(std::string& out, double value) {
  std::array<char, kMaxValueSize> text;
  out.append(text.data(), WriteValue(text.data(), value));
}

std::string FormatValue(double value) {
  std::string out;
  AppendValue(out, value);
  return out;
}

void AppendShortest(std::string& out, double value) {
  const double size = std::abs(value);
  if (size == 0 || !std::isfinite(value) || (size >= 1e-4 && size < 1e6)) {
    return AppendValue(out, value);
  }
  if (value < 0) out += '-';
  AppendScientific(out, ToShortestDecimal(size));
}

std::string FormatShortest(double value) {
  std::string out;
  AppendShortest(out, value);
  return out;
}

void AppendSeconds(std::string& out, int64_t ms) {
  const auto magnitude = ms < 0 ? ~static_cast<uint64_t>(ms) + 1 : static_cast<uint64_t>(ms);
  std::array<char, 24> text;
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), magnitude / 1000);
  if (ms < 0) out += '-';
  out.append(text.data(), end);
  const auto fraction = static_cast<int>(magnitude % 1000);
  if (fraction == 0) return;
  out += '.';
  out += static_cast<char>('0' + fraction / 100);
  out += static_cast<char>('0' + fraction / 10 % 10);
  out += static_cast<char>('0' + fraction % 10);
}

void AppendQuoted(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const Rune rune = DecodeRune(text);
    if (rune.code < 0x80) {
      AppendQuotedAscii(out, text[0]);
    } else {
      AppendQuotedRune(out, text.substr(0, rune.size), rune);
    }
    text.remove_prefix(rune.size);
  }
  out += '"';
}

std::string Quote(std::string_view text) {
  std::string out;
  AppendQuoted(out, text);
  return out;
}

}  // namespace barograph
