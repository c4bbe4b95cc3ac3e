#include "base/model/number.h"

#include <array>
#include <catch2/catch.hpp>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <span>
#include <vector>

#include "base/bytes/digits.h"
#include "base/model/sample.h"
#include "base/model/short_decimals.h"
#include "base/model/shortest_decimal.h"

namespace barograph {
namespace {

TEST_CASE("Values of an exposition page are read as Go reads them") {
  const std::pair<const char*, double> kCases[] = {
      {"0", 0.0},
      {"-0", -0.0},
      {"1", 1},
      {"+1", 1},
      {"-12.5", -12.5},
      {"1.", 1},
      {".5", 0.5},
      {"-.5", -0.5},
      {"0.1", 0.1},
      {"123456789.123", 123456789.123},
      {"9007199254740993", 9007199254740992.0},
      {"18446744073709551616", 18446744073709551616.0},
      {"0.00000000000000000000001", 1e-23},
      {"1e5", 1e5},
      {"1E+05", 1e5},
      {"1.5e-3", 1.5e-3},
      {"4.9e-324", 5e-324},
      {"1e-400", 0.0},
      {"-1e-400", -0.0},
      {"1.7976931348623157e308", 1.7976931348623157e308},
      {"inf", kInf},
      {"+Inf", kInf},
      {"-INF", -kInf},
      {"Infinity", kInf},
      {"-infinity", -kInf},
  };
  for (const auto& [text, value] : kCases) {
    CAPTURE(text);
    REQUIRE(ParseValue(text).has_value());
    CHECK(SameBits(*ParseValue(text), value));
  }
  CHECK(SameBits(ParseValue("nan").value(), kNormalNan));
  CHECK(SameBits(ParseValue("NaN").value(), kNormalNan));
}

TEST_CASE("What is not a value is refused") {
  const char* kCases[] = {"",     " ",     "+",      "-",      ".",   "-.",   "e5",    "1e",
                          "1e+",  "1 ",    " 1",     "1.2.3",  "--1", "+-1",  "-+1",   "++1",
                          "+nan", "-nan",  "nanx",   "nan(1)", "in",  "infi", "1_000", "0x1p-2",
                          "0x10", "1e400", "-1e400", "1f",     "1,5", "+.e1"};
  for (const char* text : kCases) {
    CAPTURE(text);
    CHECK_FALSE(ParseValue(text).has_value());
  }
  CHECK_FALSE(ParseValue(std::string_view("1\0", 2)).has_value());
  CHECK_FALSE(ParseValue(std::string_view()).has_value());
}

TEST_CASE("Reading is correctly rounded for any number of digits") {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    std::string text = std::to_string(random() >> (random() % 64));
    if (random() % 2 == 0) text.insert(random() % (text.size() + 1), ".");
    if (random() % 3 == 0) text += "e" + std::to_string(static_cast<int>(random() % 60) - 30);
    if (text.starts_with(".e") || text == ".") continue;
    double expected = 0;
    std::from_chars(text.data(), text.data() + text.size(), expected);
    CAPTURE(text);
    REQUIRE(ParseValue(text).has_value());
    REQUIRE(SameBits(*ParseValue(text), expected));
  }
}

TEST_CASE("A value prints without an exponent, or with one, as Go's 'f' and 'g' do") {
  struct Case {
    double value;
    const char* fixed;
    const char* shortest;
  };
  const Case kCases[] = {
      {0, "0", "0"},
      {-0.0, "-0", "-0"},
      {1, "1", "1"},
      {-1.5, "-1.5", "-1.5"},
      {0.1, "0.1", "0.1"},
      {100000, "100000", "100000"},
      {123456.5, "123456.5", "123456.5"},
      {1e6, "1000000", "1e+06"},
      {1234567, "1234567", "1.234567e+06"},
      {1e15, "1000000000000000", "1e+15"},
      {1e21, "1000000000000000000000", "1e+21"},
      {1e23, "100000000000000000000000", "1e+23"},
      {1.2345e22, "12345000000000000000000", "1.2345e+22"},
      {1e-4, "0.0001", "0.0001"},
      {1e-5, "0.00001", "1e-05"},
      {1.5e-7, "0.00000015", "1.5e-07"},
      {1e100, nullptr, "1e+100"},
      {5e-324, nullptr, "5e-324"},
      {24.999999999999996, "24.999999999999996", "24.999999999999996"},
      {kInf, "+Inf", "+Inf"},
      {-kInf, "-Inf", "-Inf"},
      {kStaleNan, "NaN", "NaN"},
  };
  for (const auto& [value, fixed, shortest] : kCases) {
    CAPTURE(shortest);
    if (fixed != nullptr) CHECK(FormatValue(value) == fixed);
    CHECK(FormatShortest(value) == shortest);
  }
  CHECK(FormatValue(-std::numeric_limits<double>::max()).size() == 310);
  CHECK(FormatValue(-std::numeric_limits<double>::denorm_min()).size() == 327);
}

TEST_CASE("Every number reads back from both of its forms to the bit") {
  std::mt19937_64 random(2);
  for (int i = 0; i < 20000; ++i) {
    const auto value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    CAPTURE(value);
    REQUIRE(SameBits(ParseValue(FormatValue(value)).value(), value));
    REQUIRE(SameBits(ParseValue(FormatShortest(value)).value(), value));
  }
}

TEST_CASE("Numbers of any size print as the shortest decimal that reads back") {
  std::mt19937_64 random(4);
  for (int i = 0; i < 50000; ++i) {
    const auto mantissa = static_cast<double>(random() >> (11 + random() % 40));
    const double value = std::ldexp(mantissa, -static_cast<int>(random() % 100));
    if (value >= 1e15) continue;
    std::array<char, 400> text;
    const auto [end, error] =
        std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    REQUIRE(FormatValue(value) == std::string(text.data(), end));
  }
}

// Digits without zeros at their end, an e, and the exponent.
std::string WithoutZeros(ShortestDecimal decimal) {
  while (decimal.digits % 10 == 0) {
    decimal.digits /= 10;
    ++decimal.exponent;
  }
  return std::to_string(decimal.digits) + "e" + std::to_string(decimal.exponent);
}

// The same by the standard library.
std::string ShortestByLibrary(double value) {
  std::array<char, 40> text;
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific)
          .ptr;
  std::string digits(text.data(), static_cast<size_t>(end - text.data()));
  const size_t e = digits.find('e');
  int exponent = std::stoi(digits.substr(e + 1));
  digits.erase(e);
  if (digits.size() > 1) digits.erase(1, 1);  // the point
  exponent -= static_cast<int>(digits.size()) - 1;
  return digits + "e" + std::to_string(exponent);
}

TEST_CASE("Of the decimals that read back the shortest is found, and of those the nearest") {
  std::mt19937_64 random(6);
  const auto check = [](double value) {
    if (!(value > 0) || !std::isfinite(value)) return;
    CAPTURE(value);
    REQUIRE(WithoutZeros(FindShortest(value)) == ShortestByLibrary(value));
  };
  for (int power = -1074; power < 1024; ++power) {
    const double value = std::ldexp(1, power);
    check(value);
    check(std::nextafter(value, 0));
    check(std::nextafter(value, kInf));
  }
  for (int power = -323; power < 309; ++power) {
    const double value = ParseValue("1e" + std::to_string(power)).value();
    check(value);
    check(std::nextafter(value, 0));
    check(std::nextafter(value, kInf));
  }
  for (int i = 0; i < 20'000; ++i) {
    check(std::bit_cast<double>(random() >> 1));
    check(std::ldexp(static_cast<double>(random() >> 11), -static_cast<int>(random() % 200)));
    check(static_cast<double>(random() % 100'000) / static_cast<double>(1 + random() % 1000));
    check(static_cast<double>(random() >> (random() % 64)));
  }
}

TEST_CASE("Many values side by side have the texts that each has alone") {
  std::mt19937_64 random(7);
  std::vector<double> values = {0,          -0.0,     1,        -1,         0.5,
                                1e-6,       9e-7,     1e8,      99999999,   1e15,
                                0x1p52,     0x1p53,   1e300,    kInf,       -kInf,
                                1e-300,     123456.5, 1e8 + .5, 1e9 - 1e-6, 999999999.999999,
                                kNormalNan, kStaleNan};
  for (int i = 0; i < 20'000; ++i) {
    const double power = std::pow(10, static_cast<double>(random() % 12));
    const double value = static_cast<double>(random() >> (random() % 64)) / power;
    values.push_back(random() % 2 == 0 ? value : -value);
  }
  ShortDecimals decimals;
  size_t written = 0;
  for (size_t begin = 0, size = 0; begin < values.size(); begin += size) {
    size = std::min<size_t>(values.size() - begin, 1 + begin % ShortDecimals::kMost);
    decimals.Split(std::span(values).subspan(begin, size));
    for (size_t i = 0; i < size; ++i) {
      if (!decimals.is_short(i)) continue;
      std::array<char, 17 + kMaxValueSlack> text;
      const std::string_view found(text.data(), decimals.Write(text.data(), i));
      REQUIRE(found == FormatValue(values[begin + i]));
      ++written;
    }
  }
  CHECK(written > values.size() / 4);
}

TEST_CASE("A value that is known to be long is written as any other") {
  std::mt19937_64 random(8);
  for (int i = 0; i < 20'000; ++i) {
    const auto value = std::bit_cast<double>(random());
    std::array<char, kMaxValueSize + kMaxValueSlack> text;
    REQUIRE(std::string_view(text.data(), WriteLongValue(text.data(), value)) ==
            FormatValue(value));
  }
}

TEST_CASE("A number of up to eight digits is split into them") {
  std::mt19937_64 random(5);
  const auto check = [](uint32_t value) {
    std::array<char, 8> text;
    const uint64_t bytes = SplitDigits(value) | kZeroDigits;
    std::memcpy(text.data(), &bytes, sizeof(bytes));
    const std::string digits = std::to_string(value);
    CAPTURE(value);
    REQUIRE(std::string_view(text.data(), 8) == std::string(8 - digits.size(), '0') + digits);
  };
  for (uint32_t low = 0; low < 10'000; ++low) {
    check(low);
    check(low * 10'000);
  }
  for (int i = 0; i < 20'000; ++i) check(static_cast<uint32_t>(random() % 100'000'000));
  check(99'999'999);
  for (size_t size = 0; size < 40; ++size) {
    std::vector<uint32_t> numbers(size);
    for (uint32_t& number : numbers) number = static_cast<uint32_t>(random() % 100'000'000);
    std::vector<uint64_t> digits(size);
    SplitAll(numbers, digits);
    for (size_t i = 0; i < size; ++i) REQUIRE(digits[i] == SplitDigits(numbers[i]));
  }
}

TEST_CASE("Numbers of few decimals print as they were written") {
  std::mt19937_64 random(3);
  for (int i = 0; i < 20000; ++i) {
    std::string text = std::to_string(random() % 100000);
    std::string decimals = std::to_string(random() >> (14 + random() % 50)).substr(0, 9);
    decimals.erase(decimals.find_last_not_of('0') + 1);
    if (!decimals.empty()) text += "." + decimals;
    CAPTURE(text);
    REQUIRE(FormatValue(ParseValue(text).value()) == text);
    REQUIRE(FormatValue(-ParseValue(text).value()) == "-" + text);
  }
}

TEST_CASE("Timestamps print as seconds, with three decimals where they are not zero") {
  const std::pair<int64_t, const char*> kCases[] = {
      {0, "0"},
      {1, "0.001"},
      {1435781451781, "1435781451.781"},
      {1500, "1.500"},
      {-1, "-0.001"},
      {-2000, "-2"},
      {120, "0.120"},
      {INT64_MIN, "-9223372036854775.808"},
  };
  for (const auto& [ms, text] : kCases) {
    std::string out;
    AppendSeconds(out, ms);
    CHECK(out == text);
  }
}

TEST_CASE("Text is quoted as Go quotes it") {
  CHECK(Quote("") == R"("")");
  CHECK(Quote("a\"b\\c") == R"("a\"b\\c")");
  CHECK(Quote("\a\b\f\n\r\t\v") == R"("\a\b\f\n\r\t\v")");
  CHECK(Quote(std::string_view("\0\x1f\x7f", 3)) == R"("\x00\x1f\x7f")");
  CHECK(Quote("h\u00e9 \u20ac \U0001F600") == "\"h\u00e9 \u20ac \U0001F600\"");
  CHECK(Quote("\xff\xe2\x82") == R"("\xff\xe2\x82")");
  CHECK(Quote("\u00a0\u200b\ufeff\U000e0001") == R"("\u00a0\u200b\ufeff\U000e0001")");
  CHECK(Quote("\ufffd") == "\"\ufffd\"");
}

}  // namespace
}  // namespace barograph
