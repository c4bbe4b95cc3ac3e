#include "tsdb/head/tombstones.h"

namespace barograph::tsdb {

void Tombstones::Add(SeriesRef ref, TimeRange range) {
  WriterLock lock(mutex_);
  ranges_[ref].push_back(range);
  empty_.store(false, std::memory_order_release);
}

std::vector<TimeRange> Tombstones::RangesOf(SeriesRef ref) const {
  ReaderLock lock(mutex_);
  const auto found = ranges_.find(ref);
  return found == ranges_.end() ? std::vector<TimeRange>() : found->second;
}

}  // namespace barograph::tsdb
