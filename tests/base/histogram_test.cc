#include "base/model/histogram.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "base/model/sample.h"

namespace barograph {
namespace {

FloatHistogram Sample() {
  FloatHistogram histogram;
  histogram.schema = 1;
  histogram.count = 3.1;
  histogram.sum = -0.3;
  histogram.zero_count = 7.1;
  histogram.zero_threshold = 0.05;
  histogram.positive_spans = {{-3, 3}};
  histogram.positive_buckets = {5.1, 10, 7};
  histogram.negative_spans = {{-5, 2}};
  histogram.negative_buckets = {4.1, 5};
  return histogram;
}

TEST_CASE("A histogram prints in the notation of test scripts") {
  FloatHistogram histogram = Sample();
  CHECK(histogram.TestExpression() ==
        "{{schema:1 count:3.1 sum:-0.3 z_bucket:7.1 z_bucket_w:0.05 offset:-3 "
        "buckets:[5.1 10 7] n_offset:-5 n_buckets:[4.1 5]}}");
  histogram.counter_reset_hint = CounterResetHint::kNotReset;
  histogram.positive_spans = {{0, 1}, {2, 2}};
  histogram.negative_spans.clear();
  histogram.negative_buckets.clear();
  CHECK(histogram.TestExpression() ==
        "{{schema:1 count:3.1 sum:-0.3 z_bucket:7.1 z_bucket_w:0.05 "
        "counter_reset_hint:not_reset buckets:[5.1 0 0 10 7]}}");
  CHECK(FloatHistogram{}.TestExpression() == "{{}}");
}

TEST_CASE("Custom buckets print their bounds") {
  FloatHistogram histogram;
  histogram.schema = kCustomBucketsSchema;
  histogram.count = 4;
  histogram.custom_values = {5, 10};
  histogram.positive_spans = {{0, 3}};
  histogram.positive_buckets = {1, 2, 1};
  CHECK(histogram.TestExpression() ==
        "{{schema:-53 count:4 custom_values:[5 10] buckets:[1 2 1]}}");
  CHECK(histogram.ToString() == "{count:4, sum:0, [-Inf,5]:1, (5,10]:2, (10,+Inf]:1}");
}

TEST_CASE("A histogram prints its buckets from the lowest to the highest") {
  FloatHistogram histogram = Sample();
  histogram.schema = 0;
  CHECK(histogram.ToString() ==
        "{count:3.1, sum:-0.3, [-0.0625,-0.03125):5, [-0.03125,-0.015625):4.1, "
        "[-0.05,0.05]:7.1, (0.0625,0.125]:5.1, (0.125,0.25]:10, (0.25,0.5]:7}");
}

TEST_CASE("Compacting drops empty ends and joins near runs") {
  FloatHistogram histogram;
  histogram.positive_spans = {{-2, 3}, {0, 2}, {3, 1}, {1, 2}};
  histogram.positive_buckets = {0, 1, 0, 0, 2, 3, 0, 0};
  SECTION("gaps of none") {
    histogram.Compact(0);
    CHECK(histogram.positive_spans == std::vector<BucketSpan>{{-1, 1}, {2, 1}, {3, 1}});
    CHECK(histogram.positive_buckets == std::vector<double>{1, 2, 3});
  }
  SECTION("gaps of two") {
    histogram.Compact(2);
    CHECK(histogram.positive_spans == std::vector<BucketSpan>{{-1, 4}, {3, 1}});
    CHECK(histogram.positive_buckets == std::vector<double>{1, 0, 0, 2, 3});
  }
  SECTION("all of it") {
    histogram.Compact(100);
    CHECK(histogram.positive_spans == std::vector<BucketSpan>{{-1, 8}});
    CHECK(histogram.positive_buckets == std::vector<double>{1, 0, 0, 2, 0, 0, 0, 3});
  }
  SECTION("nothing but empty buckets") {
    histogram.positive_buckets.assign(8, 0);
    histogram.Compact(0);
    CHECK(histogram.positive_spans.empty());
    CHECK(histogram.positive_buckets.empty());
  }
}

TEST_CASE("Bounds are powers, and the last finite one is the largest double") {
  CHECK(ExponentialBound(0, 0) == 1);
  CHECK(ExponentialBound(3, 0) == 8);
  CHECK(ExponentialBound(-1, 0) == 0.5);
  CHECK(ExponentialBound(1, 1) == 2 * 0.7071067811865475);
  CHECK(ExponentialBound(-3, 2) == 0.5946035575013605);
  CHECK(ExponentialBound(1, -4) == 65536);
  CHECK(ExponentialBound(-1, -1) == 0.25);
  const double largest = std::numeric_limits<double>::max();
  for (int32_t schema = kMinExponentialSchema; schema <= kMaxExponentialSchema; ++schema) {
    const auto last = static_cast<int64_t>(std::ldexp(1024, schema));
    CHECK(ExponentialBound(last, schema) == largest);
    CHECK(std::isinf(ExponentialBound(last + 1, schema)));
    CHECK(ExponentialBound(last - 1, schema) < largest);
    CHECK(ExponentialBound(-4 * last, schema) == 0);
  }
}

TEST_CASE("Spans, schemas and indices from anywhere do no harm") {
  FloatHistogram histogram;
  for (const int32_t schema : {INT32_MIN, -54, -52, 9, 60, INT32_MAX}) {
    histogram.schema = schema;
    histogram.positive_spans = {{INT32_MAX, 2}, {INT32_MAX, UINT32_MAX}};
    histogram.positive_buckets = {1, 2, 3};
    histogram.negative_spans = {{5, 1}, {-3, 1}, {INT32_MIN, 1}};
    histogram.negative_buckets = {1, 2, 3, 4, 5};
    CHECK_FALSE(histogram.ToString().empty());
    CHECK_FALSE(histogram.TestExpression().empty());
    histogram.Compact(3);
    CHECK(histogram.positive_buckets.size() == 3);
  }
  CHECK(ExponentialBound(INT64_MAX, 8) == kInf);
  CHECK(ExponentialBound(INT64_MIN, -4) == 0);
}

TEST_CASE("Equality is to the bit") {
  FloatHistogram a = Sample(), b = Sample();
  CHECK(a == b);
  a.sum = kStaleNan;
  CHECK_FALSE(a == b);
  b.sum = kStaleNan;
  CHECK(a == b);
  b.sum = kNormalNan;
  CHECK_FALSE(a == b);
  b = a;
  b.positive_buckets[0] = kNormalNan;
  a.positive_buckets[0] = kNormalNan;
  CHECK(a == b);
}

}  // namespace
}  // namespace barograph
