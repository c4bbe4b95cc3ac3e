#pragma once

#include <random>
#include <vector>

#include "base/model/histogram.h"

/// Native histograms for tests.
namespace barograph::test {

/// Whole counts in consecutive positive buckets from index 0, and a sum that goes with them.
inline FloatHistogram MakeHistogram(int32_t schema, std::vector<double> buckets) {
  FloatHistogram histogram;
  histogram.schema = schema;
  if (!buckets.empty()) histogram.positive_spans = {{0, static_cast<uint32_t>(buckets.size())}};
  for (const double count : buckets) histogram.count += count;
  histogram.sum = histogram.count * 1.5;
  histogram.positive_buckets = std::move(buckets);
  return histogram;
}

/// One of several kinds, so that histograms of one kind have much in common: whole counts, full
/// doubles, gauges on both sides of zero, custom buckets.
inline FloatHistogram RandomHistogram(std::mt19937_64& random, uint64_t kind) {
  FloatHistogram histogram;
  histogram.schema = static_cast<int32_t>(kind);
  const auto number = [&] {
    return kind == 1 ? static_cast<double>(random()) / 3 : static_cast<double>(random() % 50);
  };
  const auto fill = [&](std::vector<BucketSpan>& spans, std::vector<double>& buckets) {
    for (uint64_t i = random() % 3; i > 0; --i) {
      spans.push_back({static_cast<int32_t>(random() % 4), static_cast<uint32_t>(random() % 5)});
      for (uint32_t j = 0; j < spans.back().length; ++j) buckets.push_back(number());
    }
  };
  fill(histogram.positive_spans, histogram.positive_buckets);
  if (kind >= 2) fill(histogram.negative_spans, histogram.negative_buckets);
  histogram.zero_threshold = kind == 0 ? 0.001 : 0;
  histogram.zero_count = number();
  histogram.sum = number();
  histogram.count = histogram.zero_count;
  for (const double count : histogram.positive_buckets) histogram.count += count;
  for (const double count : histogram.negative_buckets) histogram.count += count;
  if (random() % 9 == 0) histogram.count = number();
  if (kind == 2) histogram.counter_reset_hint = CounterResetHint::kGauge;
  if (kind == 3) {
    histogram.schema = kCustomBucketsSchema;
    histogram.custom_values = {0.5, 1, 2.5};
  }
  return histogram;
}

}  // namespace barograph::test
