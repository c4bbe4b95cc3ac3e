#include <catch2/catch.hpp>

#include "base/worker_pool.h"
#include "promql/engine.h"
#include "random_query.h"

/// Queries that are spread over many threads against the same on one, to the bit.
namespace barograph::promql {
namespace {

using testing::MemoryStorage;

bool SamePoints(const ResultSeries& a, const ResultSeries& b) {
  return a.labels == b.labels && a.timestamps == b.timestamps && a.histograms == b.histograms &&
         std::ranges::equal(a.values, b.values, SameBits);
}

bool SameSeries(const std::vector<ResultSeries>& a, const std::vector<ResultSeries>& b) {
  return std::ranges::equal(a, b, SamePoints);
}

bool SameValue(const Value& a, const Value& b) {
  if (a.index() != b.index()) return false;
  if (const auto* matrix = std::get_if<Matrix>(&a)) {
    return SameSeries(matrix->series, std::get<Matrix>(b).series);
  }
  if (const auto* vector = std::get_if<Vector>(&a)) {
    return SameSeries(vector->series, std::get<Vector>(b).series);
  }
  return true;
}

// An engine that asks for help as soon as there are two series.
EngineOptions Spread(WorkerPool& workers) {
  EngineOptions options;
  options.workers = &workers;
  options.fork_work = 0;
  return options;
}

TEST_CASE("results, annotations and errors do not depend on the number of threads") {
  MemoryStorage storage;
  testing::FillForRandomQueries(storage);
  WorkerPool workers(5);
  const Engine alone({}, SystemClock());
  const Engine spread(Spread(workers), SystemClock());
  for (uint32_t seed = 0; seed < 600; ++seed) {
    const std::string query = testing::RandomQuery(seed).Vector(static_cast<int>(seed % 4));
    INFO("seed " << seed << ": " << query);
    const QueryTimes range{FromMs(60'000), FromMs(330'000), Duration(17'000)};
    const QueryTimes instant{FromMs(200'000), FromMs(200'000), Duration(0)};
    for (const QueryTimes& times : {range, instant}) {
      const auto expected = alone.Run(query, storage, times);
      const auto actual = spread.Run(query, storage, times);
      REQUIRE(expected.has_value() == actual.has_value());
      if (!expected.has_value()) {
        CHECK(expected.error().message == actual.error().message);
        continue;
      }
      CHECK(SameValue(expected->value, actual->value));
      CHECK(expected->annotations.warnings == actual->annotations.warnings);
      CHECK(expected->annotations.infos == actual->annotations.infos);
    }
  }
}

TEST_CASE("a query on many threads ends when it is cancelled") {
  MemoryStorage storage;
  for (int i = 0; i < 500; ++i) {
    const Labels labels{{"__name__", "x"}, {"i", std::to_string(i)}};
    for (int k = 0; k < 40; ++k) storage.Append(labels, k * 15'000, k);
  }
  WorkerPool workers(3);
  const Engine engine(Spread(workers), SystemClock());
  std::stop_source source;
  QuerySettings settings;
  settings.stop = source.get_token();
  const QueryTimes times{FromMs(0), FromMs(600'000), Duration(10)};
  std::jthread canceller([&] { source.request_stop(); });
  const auto result = engine.Run("sum(sum_over_time(x[10m]))", storage, times, settings);
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().code == ErrorCode::kCancelled);
}

}  // namespace
}  // namespace barograph::promql
