#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <vector>

#include "base/model/sample.h"
#include "tsdb/chunk/summary.h"
#include "tsdb/chunk/timestamp_codec.h"
#include "tsdb/chunk/value_codec.h"

// The very bytes of the formats: what is on disk today must be readable tomorrow. A change here is
// a change of docs/formats/chunk.md, which explains the first counter and the first column.

namespace barograph::tsdb {
namespace {

std::string Hex(const std::string& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    const auto value = static_cast<uint8_t>(byte);
    if (!text.empty()) text += ' ';
    text += kDigits[value >> 4];
    text += kDigits[value & 15];
  }
  return text;
}

struct GoldenRun {
  const char* description;
  std::vector<double> values;
  const char* bytes;
};

std::vector<double> ThreeStates() {
  constexpr double kStates[] = {1e9, 7, 123456789012};
  std::vector<double> values;
  uint32_t x = 1;
  for (int i = 0; i < 40; ++i) {
    x = x * 1103515245 + 12345;
    values.push_back(kStates[(x >> 16) % 3]);
  }
  return values;
}

std::vector<double> SumOfHundredths() {
  std::vector<double> values;
  double sum = 0;
  uint32_t x = 1;
  for (int i = 0; i < 16; ++i) {
    x = x * 1103515245 + 12345;
    values.push_back(sum += (x >> 16) % 100 / 100.0);
  }
  return values;
}

/// One step in three has a high part.
std::vector<double> StepsOfTwoParts() {
  std::vector<double> values;
  double sum = 0;
  uint32_t x = 1;
  for (int i = 0; i < 48; ++i) {
    x = x * 1103515245 + 12345;
    values.push_back(sum += (x >> 16) % 8 + (i % 3 == 0 ? (x >> 19) % 16 * 64 : 0));
  }
  return values;
}

std::vector<double> Parabola() {
  std::vector<double> values;
  for (int i = 0; i < 10; ++i) values.push_back(i * i * 500 + 10000 * i);
  return values;
}

const std::vector<GoldenRun> kGoldenRuns = {
    {"constant", {0, 0, 0}, "00"},
    {"constant", {-3, -3}, "28"},
    {"constant", {1500, 1500, 1500}, "78 b8 17"},
    {"constant / 10^2", {0.25, 0.25}, "f8 02 32"},
    {"constant of bits", {kStaleNan, kStaleNan}, "f8 1f 02 00 00 00 00 00 f0 7f"},
    {"packed delta", {1000, 1007, 1012, 1021, 1027, 4, 13, 20}, "0b d0 0f 83 0a 02 43 0a 04 81 02"},
    {"sparse delta, 1 special",
     {8, 8, 8, 8, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, kStaleNan},
     "49 10 01 3c 03 02"},
    {"packed x 4096",
     {8192, 4096, 12288, 40960, 4096, 28672, 16384, 8192},
     "23 80 80 01 80 20 04 01 20 09 36 01"},
    {"bitmap delta",
     {5, 5, 9, 9, 9, 12, 12, 12, 20, 20, 20, 23, 23, 23, 23, 23, 29, 29, 29, 29, 29, 29, 31, 40},
     "0a 0a 92 84 60 03 04 8a 43 1c"},
    {"dictionary", ThreeStates(),
     "04 a8 e8 c8 e9 97 07 03 99 e8 c8 e9 97 07 a7 c0 f2 af 90 07 00 02 00 55 a8 61 8a 2a 59 05 "
     "00 00 19"},
    {"packed delta", StepsOfTwoParts(),
     "0b 8c 08 44 00 ce 36 8d ee c9 3c 8f ad ff 7e 04 46 de d4 80 ec ef 0e 24 09 92 24 49 12 07 50 "
     "40 1c 12 8a 40 e2 60 10 14 0a 86 02 00"},
    {"packed double delta x 500", Parabola(), "33 00 f4 03 2a 00 04"},
    {"packed delta / 10^2 with drift", SumOfHundredths(),
     "8b 22 4c 07 0a 00 a0 09 02 01 22 07 16 0f 01 12 41 1d 32 8b 4b 13 2e 19 71 00 00"},
    {"sparse double delta of bits",
     {1.0 / 3, 2.0 / 3, 1.0 / 7, 3.0 / 7},
     "91 1f 55 55 55 55 55 55 d5 3f 80 80 80 80 80 80 80 10 00 85 c3 e1 b0 98 8c 86 33 00 98 8c "
     "86 c3 e1 b0 98 3c"},
    {"bitmap delta, 4 special",
     {1, 2, kNormalNan, 4, kInf, kInf, -0.0, 8},
     "4a 02 04 09 07 00 00 00 00 00 00 f0 7f 02 03 00 00 00 00 00 00 00 80 45 02 02 34"},
};

TEST_CASE("Runs of values have their documented bytes") {
  for (const GoldenRun& golden : kGoldenRuns) {
    INFO(golden.description);
    const size_t count = golden.values.size();
    std::string bytes;
    EncodeValues(golden.values, bytes);
    CHECK(Hex(bytes) == golden.bytes);
    CHECK(DescribeValues(bytes, count) == golden.description);
    std::vector<double> decoded(count);
    REQUIRE(DecodeValues(bytes, decoded));
    CHECK(std::memcmp(decoded.data(), golden.values.data(), count * sizeof(double)) == 0);
  }
}

struct GoldenColumn {
  std::vector<int64_t> ms;
  const char* bytes;
};

const std::vector<GoldenColumn> kGoldenColumns = {
    {{1700000000000, 1700000015002, 1700000030000, 1700000075001, 1700000090000},
     "9a 75 80 a0 ab fe f9 62 01 03 02 0b 00 03 09 0d 04"},
    {{1700000000000, 1700000015000, 1700000030000, 1700000045000}, "98 75 80 a0 ab fe f9 62 00 00"},
    {{5}, "00 50"},
    {{1000, 3000, 10000, 4000}, "00 23 d0 0f e8 07 03 04 78 00"},
};

TEST_CASE("Columns of timestamps have their documented bytes") {
  for (const GoldenColumn& golden : kGoldenColumns) {
    std::vector<Timestamp> column, decoded(golden.ms.size());
    for (const int64_t ms : golden.ms) column.push_back(FromMs(ms));
    std::string bytes;
    EncodeTimestamps(column, bytes);
    CHECK(Hex(bytes) == golden.bytes);
    REQUIRE(DecodeTimestamps(bytes, decoded));
    CHECK(decoded == column);
  }
}

TEST_CASE("Summaries have their documented bytes") {
  const auto encoded = [](const std::vector<double>& values) {
    std::string bytes;
    AppendSummary(Summarize(values), bytes);
    return Hex(bytes);
  };
  CHECK(encoded({1000, 1007, 1012, 1021, 1027, 4, 13, 20}) ==
        "2a a0 1f 50 10 8c 20 c0 9f 01 01 8c 20");
  CHECK(encoded({0.5, 0.5, kStaleNan}) == "90 01 01 00 00 00 00 00 00 e0 3f 04");
}

}  // namespace
}  // namespace barograph::tsdb
