#pragma once

#include <initializer_list>
#include <random>
#include <string>

#include "memory_storage.h"

/// Random queries, and series for them.
namespace barograph::promql::testing {

/// Well-typed queries over the metrics a_total, b and c.
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

/// Those metrics: gaps, resets, staleness.
inline void FillForRandomQueries(MemoryStorage& storage) {
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

}  // namespace barograph::promql::testing
