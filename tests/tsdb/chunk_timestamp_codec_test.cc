#include "tsdb/chunk/timestamp_codec.h"

#include <catch2/catch.hpp>
#include <random>
#include <vector>

namespace barograph::tsdb {
namespace {

using Column = std::vector<Timestamp>;

std::string Encoded(const Column& column) {
  std::string bytes;
  EncodeTimestamps(column, bytes);
  return bytes;
}

size_t CheckRoundTrip(const Column& column) {
  const std::string bytes = Encoded(column);
  const std::vector<char> exact(bytes.begin(), bytes.end());
  Column decoded(column.size());
  REQUIRE(DecodeTimestamps({exact.data(), exact.size()}, decoded));
  REQUIRE(decoded == column);
  return bytes.size();
}

Column Regular(size_t count, int64_t step_ms, int64_t first_ms = 1'700'000'000'123) {
  Column column;
  for (size_t i = 0; i < count; ++i) {
    column.push_back(FromMs(first_ms + static_cast<int64_t>(i) * step_ms));
  }
  return column;
}

TEST_CASE("A regular column takes a dozen bytes whatever its length") {
  CHECK(CheckRoundTrip(Regular(120, 15'000)) <= 12);
  CHECK(CheckRoundTrip(Regular(5000, 15'000)) <= 12);
}

TEST_CASE("Jitter costs its own bits only, and missed scrapes a few bytes each") {
  std::mt19937_64 random(3);
  Column column = Regular(480, 15'000);
  for (Timestamp& t : column) t += Duration(random() % 4);
  CHECK(CheckRoundTrip(column) <= 480 * 2 / 8 + 30);
  column.erase(column.begin() + 200, column.begin() + 217);
  column.erase(column.begin() + 50);
  CHECK(CheckRoundTrip(column) <= 480 * 2 / 8 + 40);
}

TEST_CASE("Columns of every length survive, empty ones as no bytes") {
  CHECK(Encoded({}).empty());
  CHECK(DecodeTimestamps("", {}));
  CHECK_FALSE(DecodeTimestamps("x", {}));
  std::mt19937_64 random(4);
  for (size_t count = 1; count <= 300; ++count) {
    CheckRoundTrip(Regular(count, 1000));
    Column irregular = Regular(count, 0);
    for (size_t i = 1; i < count; ++i) {
      irregular[i] = irregular[i - 1] + Duration(1 + random() % 100'000);
    }
    CheckRoundTrip(irregular);
  }
}

TEST_CASE("Columns that no scrape makes survive as well") {
  CheckRoundTrip({FromMs(INT64_MIN), FromMs(INT64_MAX), FromMs(0), FromMs(INT64_MIN)});
  CheckRoundTrip({FromMs(INT64_MIN), FromMs(INT64_MIN + 1), FromMs(INT64_MAX)});
  CheckRoundTrip({FromMs(5), FromMs(4), FromMs(3), FromMs(2)});
  CheckRoundTrip({FromMs(5), FromMs(5), FromMs(5)});
  std::mt19937_64 random(5);
  for (int round = 0; round < 300; ++round) {
    Column column(1 + random() % 300);
    const auto shift = random() % 64;
    for (Timestamp& t : column) t = FromMs(static_cast<int64_t>(random()) >> shift);
    CheckRoundTrip(column);
    std::sort(column.begin(), column.end());
    CheckRoundTrip(column);
  }
}

TEST_CASE("A damaged column is refused or decodes to something, and nothing worse") {
  std::mt19937_64 random(6);
  Column column = Regular(200, 15'000);
  for (Timestamp& t : column) t += Duration(random() % 6);
  column.erase(column.begin() + 100, column.begin() + 110);
  const std::string good = Encoded(column);
  for (size_t size = 0; size < good.size(); ++size) {
    const Status status = DecodeTimestamps(std::string_view(good).substr(0, size), column);
    REQUIRE_FALSE(status);
    CHECK(status.error().code == ErrorCode::kCorruption);
  }
  CHECK_FALSE(DecodeTimestamps(good + '\0', column));
  for (int round = 0; round < 20'000; ++round) {
    std::vector<char> bad(good.begin(), good.end());
    for (size_t i = 0; i <= random() % 3; ++i) {
      bad[random() % bad.size()] = static_cast<char>(random());
    }
    (void)DecodeTimestamps({bad.data(), bad.size()}, column);
  }
}

}  // namespace
}  // namespace barograph::tsdb
