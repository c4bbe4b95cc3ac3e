#pragma once

#include <random>
#include <string>

#include "tsdb/prometheus/samples.h"

/// Random samples as Prometheus may hold them, and what they may come back as.
namespace barograph::tsdb::prometheus::test {

/// Where a series is going.
struct Shape {
  bool floats = true;
  bool histograms = true;
};

/// Ascending samples with gaps, resets, staleness markers, odd NaNs and infinities; histograms of
/// counters and gauges, of integers and floats, with exponential and custom buckets that come and
/// go. `count` is at least 1.
SampleColumns RandomSamples(std::mt19937_64& random, size_t count, Shape shape);

/// Empty when both hold the same samples: floats to the bit, histograms as observations (empty
/// buckets do not count, nor what a chunk cannot say about counter resets). Else the first
/// difference.
std::string Difference(const SampleColumns& got, const SampleColumns& want);

}  // namespace barograph::tsdb::prometheus::test
