#include <catch2/catch.hpp>
#include <cmath>
#include <map>

#include "promql/engine.h"
#include "random_query.h"

/// A range query is an instant query at each of its steps: random queries, evaluated both ways.
namespace barograph::promql {
namespace {

using testing::MemoryStorage;

using AtStep = std::map<Labels, double>;

bool Same(const AtStep& a, const AtStep& b) {
  if (a.size() != b.size()) return false;
  for (const auto& [labels, x] : a) {
    const auto found = b.find(labels);
    if (found == b.end()) return false;
    const double y = found->second;
    if (std::isnan(x) && std::isnan(y)) continue;
    if (x != y && !(std::fabs(x - y) <= 1e-9 * (std::fabs(x) + std::fabs(y)) + 1e-12)) return false;
  }
  return true;
}

AtStep OfStep(const Matrix& matrix, Timestamp time) {
  AtStep values;
  for (const ResultSeries& series : matrix.series) {
    for (size_t i = 0; i < series.size(); ++i) {
      if (series.timestamps[i] == time) values[series.labels] = series.values[i];
    }
  }
  return values;
}

std::string Describe(const AtStep& values) {
  std::string text;
  for (const auto& [labels, value] : values) {
    text += labels.ToString() + " " + std::to_string(value) + "; ";
  }
  return text;
}

void CheckQuery(const Engine& engine, const MemoryStorage& storage, const std::string& query) {
  INFO(query);
  const QueryTimes times{FromMs(60'000), FromMs(330'000), Duration(17'000)};
  const auto range = engine.Run(query, storage, times);
  for (Timestamp time = times.start; time <= times.end; time += times.step) {
    const auto instant = engine.Run(query, storage, {time, time, Duration(0)});
    if (!range.has_value()) continue;
    INFO("at " << ToMs(time) << " ms");
    if (!instant.has_value()) INFO(instant.error().message);
    REQUIRE(instant.has_value());
    AtStep expected;
    for (const ResultSeries& series : std::get<Vector>(instant->value).series) {
      expected[series.labels] = series.values.at(0);
    }
    const AtStep actual = OfStep(std::get<Matrix>(range->value), time);
    INFO("instant: " << Describe(expected));
    INFO("range: " << Describe(actual));
    CHECK(Same(expected, actual));
  }
}

TEST_CASE("a range query gives at each step what an instant query gives there") {
  MemoryStorage storage;
  testing::FillForRandomQueries(storage);
  EngineOptions delayed;
  delayed.delayed_name_removal = true;
  const Engine plain({}, SystemClock());
  const Engine with_delay(delayed, SystemClock());
  for (uint32_t seed = 0; seed < 400; ++seed) {
    const std::string query = testing::RandomQuery(seed).Vector(static_cast<int>(seed % 4));
    CheckQuery(seed % 2 == 0 ? plain : with_delay, storage, query);
  }
}

}  // namespace
}  // namespace barograph::promql
