#include "tsdb/chunk/summary.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <vector>

#include "base/model/sample.h"

namespace barograph::tsdb {
namespace {

void CheckSame(const RunSummary& a, const RunSummary& b) {
  CHECK(a.count == b.count);
  CHECK(a.stale == b.stale);
  CHECK(a.resets == b.resets);
  CHECK(SameBits(a.first, b.first));
  CHECK(SameBits(a.last, b.last));
  CHECK(SameBits(a.min, b.min));
  CHECK(SameBits(a.max, b.max));
  CHECK(SameBits(a.sum, b.sum));
  CHECK(SameBits(a.sum_compensation, b.sum_compensation));
  CHECK(SameBits(a.reset_sum, b.reset_sum));
}

RunSummary Of(std::vector<double> values) { return Summarize(values); }

TEST_CASE("A summary counts, adds and finds the ends, and passes over staleness markers") {
  const RunSummary s = Of({3, kStaleNan, 1, 4, 1, 5, kStaleNan});
  CHECK(s.count == 5);
  CHECK(s.stale == 2);
  CHECK(s.first == 3);
  CHECK(s.last == 5);
  CHECK(s.min == 1);
  CHECK(s.max == 5);
  CHECK(s.sum == 14);
  CHECK(s.sum_compensation == 0);
  CHECK(s.resets == 2);
  CHECK(s.reset_sum == 7);
}

TEST_CASE("A run without samples has a summary of zeros") {
  CheckSame(Of({}), RunSummary{});
  RunSummary stale;
  stale.stale = 2;
  CheckSame(Of({kStaleNan, kStaleNan}), stale);
}

TEST_CASE("NaN makes the sum NaN and is an extreme only where it is alone") {
  const RunSummary mixed = Of({kNormalNan, 2, -1, kNormalNan});
  CHECK(mixed.min == -1);
  CHECK(mixed.max == 2);
  CHECK(std::isnan(mixed.sum));
  CHECK(mixed.sum_compensation == 0);
  CHECK(mixed.resets == 1);
  const RunSummary alone = Of({kNormalNan, kNormalNan});
  CHECK(std::isnan(alone.min));
  CHECK(std::isnan(alone.max));
}

TEST_CASE("The compensation holds what the sum lost") {
  const RunSummary s = Of({1e100, 1, -1e100});
  CHECK(s.sum + s.sum_compensation == 1);
  const RunSummary infinite = Of({kInf, 1, 0.1});
  CHECK(infinite.sum == kInf);
  CHECK(infinite.sum_compensation == 0);
}

TEST_CASE("Two runs' summaries concatenate to the summary of the whole") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 500; ++round) {
    std::vector<double> values(random() % 40);
    for (double& v : values) v = static_cast<double>(random() % 20) - 5;
    for (double& v : values) v = random() % 8 == 0 ? kStaleNan : v;
    const size_t cut = values.empty() ? 0 : random() % values.size();
    const std::span all(values);
    CheckSame(Concatenate(Summarize(all.first(cut)), Summarize(all.subspan(cut))),
              Summarize(values));
  }
}

TEST_CASE("Encoded summaries survive, and a counter's is short") {
  const std::vector<std::vector<double>> runs = {{},
                                                 {0.0},
                                                 {-0.0},
                                                 {kStaleNan},
                                                 {5, 5, 5},
                                                 {1, 2, 3},
                                                 {3, 2, 1},
                                                 {1.5, kInf, -kInf},
                                                 {kNormalNan, kStaleNan, 0x1p60, -1e-310},
                                                 {0.1, 0.2, 0.3, 0.7},
                                                 {1e300, 1e308, 1e308}};
  for (const auto& values : runs) {
    const RunSummary summary = Summarize(values);
    std::string bytes;
    AppendSummary(summary, bytes);
    const auto parsed = ParseSummary(bytes, static_cast<uint32_t>(values.size()));
    REQUIRE(parsed);
    CheckSame(*parsed, summary);
    for (size_t size = 0; size < bytes.size(); ++size) {
      CHECK_FALSE(ParseSummary(bytes.substr(0, size), static_cast<uint32_t>(values.size())));
    }
    CHECK_FALSE(ParseSummary(bytes + '\0', static_cast<uint32_t>(values.size())));
  }
  std::vector<double> counter(120);
  for (size_t i = 0; i < counter.size(); ++i) counter[i] = 1000 + static_cast<double>(7 * i);
  std::string bytes;
  AppendSummary(Summarize(counter), bytes);
  CHECK(bytes.size() <= 9);
}

TEST_CASE("Any bytes as a summary are refused or mean something") {
  std::mt19937_64 random(8);
  for (int round = 0; round < 50'000; ++round) {
    std::vector<char> bytes(random() % 40);
    for (char& byte : bytes) byte = static_cast<char>(random());
    const auto parsed = ParseSummary({bytes.data(), bytes.size()}, 120);
    if (parsed) CHECK(parsed->count + parsed->stale == 120);
  }
}

}  // namespace
}  // namespace barograph::tsdb
