#pragma once

#include <atomic>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/mutex.h"
#include "base/time.h"
#include "tsdb/head/postings.h"

namespace barograph::tsdb {

/// The stretches of time in which a series' samples were deleted: they stay where they are, and
/// readers leave them out. Thread-safe.
class Tombstones {
 public:
  void Add(SeriesRef ref, TimeRange range);

  /// Nothing was ever deleted: what readers ask first.
  bool empty() const { return empty_.load(std::memory_order_acquire); }

  /// The series' deleted ranges; they may overlap.
  std::vector<TimeRange> RangesOf(SeriesRef ref) const;

 private:
  std::atomic<bool> empty_ = true;
  mutable SharedMutex mutex_;
  boost::unordered_flat_map<SeriesRef, std::vector<TimeRange>> ranges_ GUARDED_BY(mutex_);
};

}  // namespace barograph::tsdb
