#include "tsdb/head/head.h"

#include <algorithm>

namespace barograph::tsdb {

uint32_t Head::AddTable(uint64_t id) {
  WriterLock lock(tables_mutex_);
  tables_.push_back(std::make_shared<Table>(id));
  return static_cast<uint32_t>(tables_.size() - 1);
}

std::shared_ptr<Table> Head::TableAt(uint32_t number) const {
  ReaderLock lock(tables_mutex_);
  return tables_[number];
}

void Head::CountSamples(uint64_t count, TimeRange range) {
  if (count == 0) return;
  metrics_.samples_appended.Increment(static_cast<double>(count));
  ExtendRange(range);
}

void Head::ExtendRange(TimeRange range) {
  MutexLock lock(range_mutex_);
  if (range.min < range_.min) {
    range_.min = range.min;
    metrics_.min_time.Set(static_cast<double>(ToMs(range.min)));
    metrics_.lowest_timestamp.Set(static_cast<double>(ToMs(range.min)));
    metrics_.lowest_timestamp_seconds.Set(ToSeconds(range.min));
  }
  if (range.max > range_.max) {
    range_.max = range.max;
    metrics_.max_time.Set(static_cast<double>(ToMs(range.max)));
  }
}

void Head::CountChunks(const SealCount& sealed) {
  if (sealed.runs == 0) return;
  metrics_.chunks.Increment(static_cast<double>(sealed.chunks));
  metrics_.chunks_created.Increment(static_cast<double>(sealed.chunks));
}

TimeRange Head::range() const {
  MutexLock lock(range_mutex_);
  return range_;
}

}  // namespace barograph::tsdb
