#include "base/model/duration.h"

#include <catch2/catch.hpp>

namespace barograph {
namespace {
using namespace std::chrono_literals;

TEST_CASE("Durations are read in Prometheus's form and print in it") {
  struct Case {
    const char* text;
    int64_t ms;
    const char* printed;
  };
  const Case kCases[] = {
      {"0", 0, "0s"},
      {"0s", 0, "0s"},
      {"324ms", 324, "324ms"},
      {"3s", 3000, "3s"},
      {"90s", 90'000, "1m30s"},
      {"5m", 300'000, "5m"},
      {"1h", 3'600'000, "1h"},
      {"25h", 90'000'000, "1d1h"},
      {"4d", 345'600'000, "4d"},
      {"4d1h", 349'200'000, "4d1h"},
      {"14d", 1'209'600'000, "2w"},
      {"3w", 1'814'400'000, "3w"},
      {"3w2d1h", 1'990'800'000, "23d1h"},
      {"10y", 315'360'000'000, "10y"},
      {"1y1s", 31'536'001'000, "365d1s"},
      {"1y2w3d4h5m6s7ms", 33'019'506'007, "382d4h5m6s7ms"},
  };
  for (const auto& [text, ms, printed] : kCases) {
    CAPTURE(text);
    const auto parsed = ParseDuration(text);
    REQUIRE(parsed.has_value());
    CHECK(parsed->count() == ms);
    CHECK(FormatDuration(*parsed) == printed);
  }
  CHECK(FormatDuration(-90s) == "-1m30s");
  CHECK_FALSE(FormatDuration(Duration::min()).empty());
}

TEST_CASE("What is not a duration is refused with Prometheus's words") {
  const std::pair<const char*, const char*> kCases[] = {
      {"", "empty duration string"},
      {"1", "not a valid duration string: \"1\""},
      {"-1w", "not a valid duration string: \"-1w\""},
      {"1.5d", "unknown unit \".\" in duration \"1.5d\""},
      {"d", "not a valid duration string: \"d\""},
      {"1m1y", "not a valid duration string: \"1m1y\""},
      {"1m1m", "not a valid duration string: \"1m1m\""},
      {"1d1", "not a valid duration string: \"1d1\""},
      {"3q", "unknown unit \"q\" in duration \"3q\""},
      {"99999999999999999999s", "not a valid duration string: \"99999999999999999999s\""},
      {"294y", "duration out of range"},
      {"292y999w", "duration out of range"},
  };
  for (const auto& [text, message] : kCases) {
    CAPTURE(text);
    const auto parsed = ParseDuration(text);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error() == Error{ErrorCode::kInvalidArgument, message});
  }
}

TEST_CASE("Durations print as Go prints them") {
  const std::pair<std::chrono::nanoseconds, const char*> kCases[] = {
      {0ns, "0s"},
      {1ns, "1ns"},
      {1100ns, "1.1µs"},
      {2200us, "2.2ms"},
      {100ms, "100ms"},
      {3300ms, "3.3s"},
      {90s, "1m30s"},
      {1h, "1h0m0s"},
      {5min + 5001ms, "5m5.001s"},
      {-1500ms, "-1.5s"},
      {5h + 6ms, "5h0m0.006s"},
      {15s, "15s"},
      {std::chrono::nanoseconds::min(), "-2562047h47m16.854775808s"},
  };
  for (const auto& [duration, text] : kCases) CHECK(FormatGoDuration(duration) == text);
}

TEST_CASE("Sizes are base 2, with a unit") {
  const std::pair<const char*, uint64_t> kCases[] = {
      {"0", 0},
      {"0B", 0},
      {"1B", 1},
      {"1KB", 1024},
      {"1KiB", 1024},
      {"15MB", 15u << 20},
      {"1.5GB", 3ull << 29},
      {"1GB512MB", 3ull << 29},
      {"2EB", 2ull << 60},
  };
  for (const auto& [text, bytes] : kCases) {
    CAPTURE(text);
    REQUIRE(ParseBytes(text).has_value());
    CHECK(*ParseBytes(text) == bytes);
  }
  for (const char* text : {"", "1", "MB", "1kB", "1XB", "-1MB", "1.2.3MB", "8EB", "1MB ", "1iB"}) {
    CAPTURE(text);
    CHECK_FALSE(ParseBytes(text).has_value());
  }
}

TEST_CASE("Sizes print with every unit that they need") {
  CHECK(FormatBytes(0) == "0B");
  CHECK(FormatBytes(1) == "1B");
  CHECK(FormatBytes(512u << 20) == "512MiB");
  CHECK(FormatBytes(3ull << 29) == "1GiB512MiB");
  CHECK(FormatBytes(1025) == "1KiB1B");
  CHECK(ParseBytes(FormatBytes(123456789)).value() == 123456789);
}

}  // namespace
}  // namespace barograph
