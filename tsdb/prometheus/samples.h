#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "base/model/histogram.h"
#include "base/model/sample.h"
#include "base/time.h"

namespace barograph::tsdb::prometheus {

/// A native histogram as Prometheus stores it: counts are absolute here in either case, and
/// `integer` says whether they were integers there.
struct StoredHistogram {
  FloatHistogram histogram;
  bool integer = false;
};

/// The samples of one series, of any kinds, in columns. Moves, and does not copy; clear and
/// reuse one to save allocations.
class SampleColumns {
 public:
  void AddFloat(Timestamp timestamp, double value);
  void AddHistogram(Timestamp timestamp, StoredHistogram histogram);
  void Clear();

  size_t size() const { return timestamps_.size(); }
  bool empty() const { return timestamps_.empty(); }
  std::span<const Timestamp> timestamps() const { return timestamps_; }
  std::span<const double> values() const { return values_; }

  /// Sample `index`'s histogram; null where it is a float.
  const StoredHistogram* histogram(size_t index) const {
    return histograms_.empty() ? nullptr : histograms_[index].get();
  }

  /// Makes timestamps ascend strictly: of equal ones the sample that was added first stays.
  void SortByTime();

  /// Keeps the samples outside all of `ranges`.
  void Remove(std::span<const TimeRange> ranges);

 private:
  using Order = std::vector<size_t>;
  void Take(const Order& order);

  std::vector<Timestamp> timestamps_;
  std::vector<double> values_;  // parallel; 0 where the sample is a histogram
  std::vector<std::unique_ptr<StoredHistogram>> histograms_;  // parallel; empty when all are null
};

}  // namespace barograph::tsdb::prometheus
