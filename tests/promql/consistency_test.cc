#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <random>

#include "memory_storage.h"
#include "promql/engine.h"

/// A range query is an instant query at each of its steps: random queries, evaluated both ways.
namespace barograph::promql {
namespace {

using testing::MemoryStorage;

// Well-typed queries over the metrics a_total, b and c.
class RandomQuery {
 public:
  explicit RandomQuery(uint32_t seed) : random_(seed) {}

  std::string Vector(int depth) {
    if (depth == 0) return Selector();
    const std::string inner = Vector(depth - 1);
    switch (random_() % 12) {
      case 0:
        return Pick({"rate", "increase", "delta", "irate", "resets", "changes"}) + "(" + Range() +
               ")";
      case 1:
        return Pick({"sum", "avg", "min", "max", "count", "last", "stddev", "present"}) +
               "_over_time(" + Range() + ")";
      case 2:
        return Pick({"sum", "avg", "min", "max", "count", "stddev", "group"}) + Grouping() + "(" +
               inner + ")";
      case 3:
        return Pick({"topk", "bottomk", "quantile"}) + Grouping() + "(" + Pick({"1", "0.5", "2"}) +
               ", " + inner + ")";
      case 4: return Pick({"abs", "ceil", "sgn", "-", "sqrt", "day_of_week"}) + "(" + inner + ")";
      case 5:
        return "(" + inner + ") " + Pick({"+", "-", "*", "/", "%", ">", "<=", "== bool"}) + " " +
               Scalar();
      case 6:
        return "(" + inner + ") " + Pick({"+", "*", ">", "!= bool"}) +
               " on (i) group_left () (sum by (i) (" + Vector(depth - 1) + "))";
      case 7:
        return "(" + inner + ") " + Pick({"and", "or", "unless"}) + " on (i) (" +
               Vector(depth - 1) + ")";
      case 8:
        return "sum_over_time((" + inner + ")[" + Duration() + ":" + Pick({"7s", "20s"}) + "]" +
               Modifier() + ")";
      case 9: return "label_replace(" + inner + ", \"j\", \"$1\", \"i\", \"(.*)\")";
      case 10:
        return "absent(" + inner + ") or quantile_over_time(" + Scalar() + ", " + Range() + ")";
      default: return Selector();
    }
  }

 private:
  std::string Pick(std::initializer_list<const char*> choices) {
    return *(choices.begin() + random_() % choices.size());
  }
  std::string Selector() {
    return Pick({"a_total", "b", "c", "b{i=\"1\"}", "{__name__=~\"b|c\", i=\"2\"}"}) + Modifier();
  }
  std::string Modifier() {
    return Pick({"", "", "", "", " offset 13s", " offset -9s", " @ 120", " @ 120 offset 5s"});
  }
  std::string Duration() { return Pick({"15s", "1m", "95s"}); }
  std::string Range() {
    return Pick({"a_total", "b", "c", "b{i=\"1\"}"}) + "[" + Duration() + "]" + Modifier();
  }
  std::string Grouping() { return Pick({"", " by (i)", " without (i)", " by (j)"}); }
  std::string Scalar() { return Pick({"1", "0.5", "2", "scalar(b{i=\"1\"})", "time()"}); }

  std::mt19937 random_;
};

void Fill(MemoryStorage& storage) {
  std::mt19937 random(3);
  for (const char* name : {"a_total", "b", "c"}) {
    for (const char* id : {"1", "2", "3"}) {
      double value = 0;
      for (int i = 0; i < 40; ++i) {
        if (random() % 8 == 0) continue;
        value = random() % 9 == 0 ? 0 : value + static_cast<double>(random() % 5);
        const bool stale = random() % 15 == 0;
        storage.Append(Labels{{"__name__", name}, {"i", id}}, i * 10'000 + random() % 900,
                       stale ? kStaleNan : value);
      }
    }
  }
}

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
  Fill(storage);
  EngineOptions delayed;
  delayed.delayed_name_removal = true;
  const Engine plain({}, SystemClock());
  const Engine with_delay(delayed, SystemClock());
  for (uint32_t seed = 0; seed < 400; ++seed) {
    const std::string query = RandomQuery(seed).Vector(static_cast<int>(seed % 4));
    CheckQuery(seed % 2 == 0 ? plain : with_delay, storage, query);
  }
}

}  // namespace
}  // namespace barograph::promql
