#pragma once

#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>

/// Random well-typed PromQL over the series of random_data.h, with all of the language.
namespace barograph::differential {

/// An expression is asked for as exact or not: an exact one has the same bits in whatever order it
/// is computed, so that what jumps (comparisons, floor, count_values) may be put on it. What may be
/// noise near zero (spreads, fits, differences of means) is the whole query, and marked.
class RandomQueries {
 public:
  explicit RandomQueries(uint64_t seed) : random_(seed) {}

  struct Query {
    std::string text;
    bool noisy = false;
  };
  Query Next();

  struct Times {
    int64_t start_ms, end_ms, step_ms;  // step 0: an instant query
  };
  Times NextTimes();

 private:
  using Choices = std::initializer_list<const char*>;
  size_t Below(size_t n) { return random_() % n; }
  bool Chance(size_t one_in) { return Below(one_in) == 0; }
  std::string Pick(Choices choices) { return *(choices.begin() + Below(choices.size())); }

  std::string Noise();
  std::string Vector(int depth, bool exact);
  std::string Instant();
  std::string Aggregation(int depth, bool exact);
  std::string OverTime(int depth, bool exact);
  std::string ExtendedRange(bool exact);
  std::string Function(int depth, bool exact);
  std::string Continuous(int depth);
  std::string Jump(int depth);
  std::string WithScalar(int depth, bool exact);
  std::string Matched(int depth, bool exact);
  std::string SetOperation(int depth, bool exact);
  std::string OfHistograms(int depth, bool exact);
  std::string Histogram(int depth);
  std::string HistogramOperator(int depth);
  std::string LabelFunction(int depth, bool exact);
  std::string InfoCall();
  std::string Range(int depth);
  std::string RangeOf(const std::string& selector);
  std::string Scalar(int depth);

  std::string Selector() { return Named(Metric()); }
  std::string Metric();
  std::string Named(const std::string& metric);
  std::string Modifiers();
  std::string RangeDuration();
  std::string Grouping();
  std::string Clause(const char* word);
  std::string Number() { return Pick({"0", "1", "2", "-3", "0.5", "1024", "NaN", "-Inf", "1e3"}); }
  std::string QuantileNumber() { return Pick({"0", "0.5", "1", "0.9", "0.25", "-1", "2", "NaN"}); }

  std::mt19937_64 random_;
  bool in_subquery_ = false;
};

}  // namespace barograph::differential
