#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/model/histogram.h"
#include "tsdb/prometheus/bit_reader.h"
#include "tsdb/prometheus/bit_writer.h"

namespace barograph::tsdb::prometheus {

/// What the histograms of one chunk have in common.
struct HistogramLayout {
  int32_t schema = 0;
  double zero_threshold = 0;
  std::vector<BucketSpan> positive_spans;
  std::vector<BucketSpan> negative_spans;
  std::vector<double> custom_values;

  /// A histogram without counts.
  FloatHistogram Empty() const;
};

/// Of -4 to 8, finer ones up to 52 that a future Prometheus may write, and custom buckets.
bool IsKnownSchema(int64_t schema);

/// How many buckets spans cover.
uint64_t CountBuckets(std::span<const BucketSpan> spans);

/// nullopt when the bits are no layout, or one with more buckets than bits follow.
std::optional<HistogramLayout> ReadLayout(BitReader& in);
void WriteLayout(BitWriter& out, const HistogramLayout& layout);

}  // namespace barograph::tsdb::prometheus
