#include <catch2/catch.hpp>
#include <random>
#include <string>

#include "base/model/number.h"
#include "base/model/sample.h"
#include "server/scrape/value_text.h"

namespace barograph::server {
namespace {

// Reads `text` as from the middle of a page.
std::optional<double> Read(const std::string& text) {
  const std::string page = text + "\n" + std::string(kValueMargin, 'x');
  double value = 0;
  const char* end = ReadValue(page.data(), value);
  if (end == nullptr || *end != '\n') return std::nullopt;
  CHECK(end == page.data() + text.size());
  return value;
}

void CheckSame(const std::string& text) {
  CAPTURE(text);
  const auto want = ParseValue(text);
  const auto got = Read(text);
  REQUIRE(got.has_value() == want.has_value());
  if (want) CHECK(SameBits(*got, *want));
}

TEST_CASE("fast values are those of the full parser") {
  for (const char* text : {"0",
                           "-0",
                           "1",
                           "-1",
                           "0.1",
                           "00012.50",
                           "9007199254740993",
                           "9007199254740992",
                           "1e22",
                           "1e23",
                           "1e-22",
                           "123456789012345678",
                           "12345678901234567890",
                           "0.6180339887498949",
                           "1.7976931348623157e+308",
                           "1e400",
                           "4.9e-324",
                           "1e-400",
                           "5e-324",
                           ".5",
                           "5.",
                           ".",
                           "-",
                           "",
                           "e5",
                           "1e",
                           "1e+",
                           "1.2.3",
                           "NaN",
                           "nan",
                           "+Inf",
                           "-Inf",
                           "inf",
                           "+1",
                           "--1",
                           "0x10",
                           "1e00005",
                           "3.4028234663852886e+38",
                           "1234567890.0987654321",
                           "1E5",
                           "1 "}) {
    CheckSame(text);
  }
}

TEST_CASE("random decimals are rounded correctly") {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200'000; ++i) {
    std::string text;
    if (random() % 3 == 0) text += '-';
    text += std::to_string(random() >> (random() % 64));
    if (random() % 2 == 0) text += '.' + std::to_string(random() >> (random() % 64));
    if (random() % 4 == 0) text += "e" + std::to_string(static_cast<int>(random() % 60) - 30);
    CheckSame(text);
  }
}

TEST_CASE("the shortest form of any double reads back") {
  std::mt19937_64 random(2);
  for (int i = 0; i < 100'000; ++i) {
    const double value = std::bit_cast<double>(random());
    if (value != value) continue;
    CheckSame(FormatShortest(value));
  }
}

TEST_CASE("a remembered text matches only itself") {
  ValueText text;
  const std::string page = "12.5\n" + std::string(32, 'x');
  text.Set(page.data());
  CHECK(text.Matches(page.data(), 5));
  const std::string longer = "12.55\n" + std::string(32, 'x');
  CHECK_FALSE(text.Matches(longer.data(), 5));
  const std::string shorter = "12.\n" + std::string(32, 'x');
  CHECK_FALSE(text.Matches(shorter.data(), 5));
}

}  // namespace
}  // namespace barograph::server
