#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tsdb/prometheus/histogram_layout.h"
#include "tsdb/prometheus/samples.h"

namespace barograph::tsdb::prometheus {

/// The two bits of a histogram chunk's header about the chunk before it.
enum class CounterResetHeader : uint8_t { kUnknown = 0, kNotReset = 1, kReset = 2, kGauge = 3 };

/// Which histograms make a chunk, and what they have in common.
struct HistogramPlan {
  size_t samples = 0;
  CounterResetHeader header = CounterResetHeader::kUnknown;
  HistogramLayout layout;

  /// The chunk's layout is that of every histogram in it: counts stand as they are. Otherwise it
  /// covers the buckets with these indexes, and histograms are spread over them.
  bool same_layout = true;
  std::vector<int64_t> positive;
  std::vector<int64_t> negative;
};

/// Plans the chunk that starts with sample `begin` and has at most `limit` samples. `continues`:
/// the sample before it is a histogram of the same kind. Precondition: as EncodeHistograms.
HistogramPlan PlanHistograms(const SampleColumns& samples, size_t begin, size_t limit,
                             bool continues);

}  // namespace barograph::tsdb::prometheus
