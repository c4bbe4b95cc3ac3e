#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/model/sample.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/time.h"
#include "tsdb/block/block_tombstones.h"

namespace barograph::tsdb {

/// The stretches of time in which samples of the head's tables were deleted: they stay where they
/// are, and readers leave them out. Thread-safe.
class Tombstones {
 public:
  /// Takes what Save left in the folder.
  Status Load(FileSystem& files, const std::string& directory);

  /// Makes what was added since durable, so that the log needs not tell it again.
  Status Save();

  void Add(SeriesId id, TimeRange range);

  /// Forgets what ends before `cut`.
  void DropBefore(Timestamp cut);

  /// Nothing is deleted: what readers ask first.
  bool empty() const { return empty_.load(std::memory_order_acquire); }

  /// The series' deleted ranges, ascending and apart.
  std::vector<TimeRange> RangesOf(SeriesId id) const;

 private:
  FileSystem* files_ = nullptr;
  std::string path_;
  std::atomic<bool> empty_ = true;
  mutable SharedMutex mutex_;
  BlockTombstones ranges_ GUARDED_BY(mutex_);
  bool dirty_ GUARDED_BY(mutex_) = false;
};

}  // namespace barograph::tsdb
