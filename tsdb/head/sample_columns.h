#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/model/histogram.h"
#include "base/time.h"

namespace barograph::tsdb {

/// The samples of a series in columns, in time order; what a series decodes to.
struct SampleColumns {
  std::vector<Timestamp> timestamps;
  std::vector<double> values;

  /// Parallel to `values`, or empty: where it is not null, the sample is that histogram.
  std::vector<std::unique_ptr<FloatHistogram>> histograms;

  size_t size() const { return timestamps.size(); }
  bool empty() const { return timestamps.empty(); }
  const FloatHistogram* HistogramAt(size_t i) const {
    return histograms.empty() ? nullptr : histograms[i].get();
  }

  void clear() {
    timestamps.clear();
    values.clear();
    histograms.clear();
  }

  void Append(Timestamp timestamp, double value, std::unique_ptr<FloatHistogram> histogram) {
    if (histogram != nullptr || !histograms.empty()) {
      histograms.resize(size());
      histograms.push_back(std::move(histogram));
    }
    timestamps.push_back(timestamp);
    values.push_back(value);
  }

  /// Appends sample i of `from`, which loses its histogram.
  void Take(SampleColumns& from, size_t i) {
    Append(from.timestamps[i], from.values[i],
           from.histograms.empty() ? nullptr : std::move(from.histograms[i]));
  }

  /// Appends samples [begin, end) of `from`, which loses their histograms.
  void Take(SampleColumns& from, size_t begin, size_t end);

  /// Appends the samples of `from` that are in the range; `from` loses their histograms.
  void TakeRange(SampleColumns& from, TimeRange range);
};

/// Whether each timestamp is later than the one before.
bool Ascend(std::span<const Timestamp> timestamps);

/// Sorts by time; of several samples at one time the first stays.
void SortByTime(SampleColumns& columns);

/// Adds `next` to `merged`; of two samples at one time that of `merged` stays. `next` loses its
/// histograms.
void MergeInto(SampleColumns& merged, SampleColumns& next);

}  // namespace barograph::tsdb
