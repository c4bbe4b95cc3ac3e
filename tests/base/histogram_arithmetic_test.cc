#include "base/model/histogram_arithmetic.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "base/model/sample.h"

namespace barograph {
namespace {

FloatHistogram Exponential(int32_t schema, int32_t offset, std::vector<double> buckets) {
  FloatHistogram histogram;
  histogram.schema = schema;
  histogram.positive_spans = {{offset, static_cast<uint32_t>(buckets.size())}};
  for (const double count : buckets) histogram.count += count;
  histogram.sum = histogram.count;
  histogram.positive_buckets = std::move(buckets);
  return histogram;
}

FloatHistogram Custom(std::vector<double> bounds, std::vector<double> buckets) {
  FloatHistogram histogram = Exponential(kCustomBucketsSchema, 0, std::move(buckets));
  histogram.custom_values = std::move(bounds);
  return histogram;
}

std::string Sum(FloatHistogram a, const FloatHistogram& b) {
  if (!AddHistogram(a, b).has_value()) return "error";
  return a.Compact(0).TestExpression();
}

std::string Difference(FloatHistogram a, const FloatHistogram& b) {
  if (!SubtractHistogram(a, b).has_value()) return "error";
  return a.Compact(0).TestExpression();
}

TEST_CASE("Histograms of one schema add up bucket by bucket") {
  const FloatHistogram a = Exponential(0, 0, {1, 2, 3});
  const FloatHistogram b = Exponential(0, 1, {10, 20, 30});
  CHECK(Sum(a, b) == "{{count:66 sum:66 buckets:[1 12 23 30]}}");
  CHECK(Difference(b, a) == "{{count:54 sum:54 buckets:[-1 8 17 30]}}");
  CHECK(Difference(a, a) == "{{}}");
}

TEST_CASE("The coarser schema decides") {
  const FloatHistogram fine = Exponential(1, 1, {1, 2, 3, 4});
  const FloatHistogram coarse = Exponential(0, 1, {10, 10});
  CHECK(Sum(fine, coarse) == "{{count:30 sum:30 offset:1 buckets:[13 17]}}");
  CHECK(Sum(coarse, fine) == "{{count:30 sum:30 offset:1 buckets:[13 17]}}");
}

TEST_CASE("The wider zero bucket takes up what it covers, and grows over buckets that it cuts") {
  FloatHistogram wide = Exponential(0, 3, {1});
  wide.zero_threshold = 3;
  wide.zero_count = 5;
  const FloatHistogram narrow = Exponential(0, 0, {1, 2, 4, 8});  // up to 1, 2, 4, 8
  CHECK(Sum(wide, narrow) == "{{count:16 sum:16 z_bucket:12 z_bucket_w:4 offset:3 buckets:[9]}}");
  CHECK(Sum(narrow, wide) == "{{count:16 sum:16 z_bucket:12 z_bucket_w:4 offset:3 buckets:[9]}}");
}

TEST_CASE("Custom buckets are brought to the bounds that both have") {
  FloatHistogram a = Custom({1, 2, 5}, {1, 2, 3, 4});
  const FloatHistogram b = Custom({2, 3, 5}, {10, 20, 30, 40});
  const auto merged = AddHistogram(a, b);
  REQUIRE(merged.has_value());
  CHECK(merged->bounds_reconciled);
  CHECK(a.TestExpression() ==
        "{{schema:-53 count:110 sum:110 custom_values:[2 5] buckets:[13 53 44]}}");
}

TEST_CASE("Exponential and custom buckets, and unknown schemas, do not mix") {
  const FloatHistogram custom = Custom({1}, {1, 2});
  CHECK(Sum(custom, Exponential(0, 0, {1})) == "error");
  CHECK(Sum(Exponential(0, 0, {1}), custom) == "error");
  CHECK(Sum(Exponential(77, 0, {1}), Exponential(77, 0, {1})) == "error");
  FloatHistogram no_threshold = Exponential(0, 0, {1});
  no_threshold.zero_threshold = kNormalNan;
  CHECK(Sum(no_threshold, Exponential(0, 0, {1})) == "error");
}

TEST_CASE("Counter reset hints that contradict each other collide") {
  const auto add = [](CounterResetHint a, CounterResetHint b) {
    FloatHistogram sum = Exponential(0, 0, {1});
    FloatHistogram other = sum;
    sum.counter_reset_hint = a;
    other.counter_reset_hint = b;
    const bool collision = AddHistogram(sum, other)->reset_collision;
    return std::pair(sum.counter_reset_hint, collision);
  };
  using enum CounterResetHint;
  CHECK(add(kReset, kReset) == std::pair(kReset, false));
  CHECK(add(kReset, kNotReset) == std::pair(kUnknown, true));
  CHECK(add(kReset, kUnknown) == std::pair(kUnknown, false));
  CHECK(add(kReset, kGauge) == std::pair(kGauge, false));
}

TEST_CASE("Factors and divisors change every number") {
  FloatHistogram histogram = Exponential(0, 0, {1, 2});
  histogram.zero_count = 3;
  ScaleHistogram(histogram, -2);
  CHECK(histogram.TestExpression() ==
        "{{count:-6 sum:-6 z_bucket:-6 counter_reset_hint:gauge buckets:[-2 -4]}}");
  DivideHistogram(histogram, 2);
  CHECK(histogram.positive_buckets == std::vector<double>{-1, -2});
  DivideHistogram(histogram, 0);
  CHECK(histogram.positive_buckets.empty());
  CHECK(histogram.count == -kInf);
}

TEST_CASE("A counter was reset when any of its counts is lower") {
  const FloatHistogram before = Exponential(0, 0, {1, 2, 3});
  CHECK_FALSE(IsCounterReset(before, before));
  CHECK_FALSE(IsCounterReset(Exponential(0, 0, {1, 2, 3, 1}), before));
  CHECK(IsCounterReset(Exponential(0, 0, {9, 2, 2}), before));
  CHECK(IsCounterReset(Exponential(0, 0, {9, 9}), before));
  CHECK(IsCounterReset(Exponential(0, 0, {1}), before));
  CHECK(IsCounterReset(Exponential(1, 0, {9, 9, 9, 9, 9, 9}), before));
  CHECK_FALSE(IsCounterReset(Exponential(-1, 0, {1, 5}), before));
  FloatHistogram hinted = Exponential(0, 0, {9, 9, 9});
  hinted.counter_reset_hint = CounterResetHint::kReset;
  CHECK(IsCounterReset(hinted, before));
  hinted = Exponential(0, 0, {1});
  hinted.counter_reset_hint = CounterResetHint::kNotReset;
  CHECK_FALSE(IsCounterReset(hinted, before));
}

TEST_CASE("Any schema can be compared") {
  constexpr int32_t kMax = std::numeric_limits<int32_t>::max();
  const FloatHistogram strange = Exponential(kMax, 0, {1, 2, 3});
  CHECK_FALSE(IsCounterReset(Exponential(-kMax, 0, {1, 5}), strange));
  CHECK(IsCounterReset(strange, Exponential(-kMax, 0, {1})));
}

TEST_CASE("A wider zero bucket is a reset only when it holds less than what it covers") {
  const FloatHistogram before = Exponential(0, 0, {1, 2, 3});
  FloatHistogram now = Exponential(0, 2, {3});
  now.count = 6;
  now.zero_threshold = 2;
  now.zero_count = 3;
  CHECK_FALSE(IsCounterReset(now, before));
  now.zero_count = 2;
  CHECK(IsCounterReset(now, before));
  now.zero_count = 9;
  now.zero_threshold = 1.5;  // cuts a bucket
  CHECK(IsCounterReset(now, before));
  CHECK(IsCounterReset(before, now));
}

TEST_CASE("Counters with other custom bounds are compared over the common ones") {
  const FloatHistogram before = Custom({1, 2, 5}, {1, 2, 3, 4});
  CHECK_FALSE(IsCounterReset(Custom({2, 5}, {3, 3, 4}), before));
  CHECK(IsCounterReset(Custom({2, 5}, {2, 9, 4}), before));
  CHECK(IsCounterReset(before, Exponential(0, 0, {1})));
  CHECK(IsCounterReset(Exponential(0, 0, {99}), before));
}

TEST_CASE("Equality is of observations, not of spans or hints") {
  FloatHistogram a = Exponential(0, 0, {1, 2});
  FloatHistogram b = a;
  b.positive_spans = {{0, 1}, {0, 1}};
  b.counter_reset_hint = CounterResetHint::kGauge;
  CHECK(SameObservations(a, b));
  b.positive_spans = {{0, 1}, {1, 1}};
  CHECK_FALSE(SameObservations(a, b));
  b = a;
  b.sum = 7;
  CHECK_FALSE(SameObservations(a, b));
}

TEST_CASE("Trimming takes out whole buckets and interpolates in the one that it cuts") {
  FloatHistogram histogram = Custom({10, 20}, {4, 8, 2});
  histogram.custom_values = {10, 20};
  FloatHistogram below = histogram;
  TrimHistogram(below, 15, TrimSide::kUpper);
  CHECK(below.TestExpression() ==
        "{{schema:-53 count:8 sum:70 custom_values:[10 20] buckets:[4 4]}}");
  FloatHistogram above = histogram;
  TrimHistogram(above, 20, TrimSide::kLower);
  CHECK(above.TestExpression() ==
        "{{schema:-53 count:2 sum:40 custom_values:[10 20] offset:2 buckets:[2]}}");
  FloatHistogram all = histogram;
  TrimHistogram(all, kInf, TrimSide::kUpper);
  CHECK(all == histogram);
  TrimHistogram(all, kInf, TrimSide::kLower);
  CHECK(all.count == 0);
}

TEST_CASE("Sums of histograms are compensated, and means do not overflow") {
  HistogramSum sum(Exponential(0, 0, {1e100}));
  REQUIRE(sum.Add(Exponential(0, 0, {1})).has_value());
  REQUIRE(sum.Add(Exponential(0, 0, {-1e100})).has_value());
  CHECK(sum.result().count == 1);
  CHECK(sum.result().positive_buckets == std::vector<double>{1});

  constexpr double kHuge = std::numeric_limits<double>::max();
  HistogramMean mean(Exponential(0, 0, {kHuge}));
  REQUIRE(mean.Add(Exponential(0, 0, {kHuge})).has_value());
  CHECK(mean.result().count == kHuge);
  HistogramMean small(Exponential(0, 0, {1}));
  REQUIRE(small.Add(Exponential(0, 0, {2})).has_value());
  CHECK(small.result().count == 1.5);
}

}  // namespace
}  // namespace barograph
