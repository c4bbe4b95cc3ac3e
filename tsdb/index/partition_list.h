#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "tsdb/index/keys.h"
#include "tsdb/index/store.h"

namespace barograph::tsdb::index {

/// A partition as it is at some moment. Whatever is learned of it holds as long as it has this
/// version.
struct Partition {
  PartKey key;
  uint64_t version = 0;
};

/// The partitions that an index has, in memory. Thread-safe.
class PartitionList {
 public:
  /// Finds the partitions on disk.
  Status Load(const Store& store);

  /// The partitions of the days from `first` to `last`, ascending.
  std::vector<Partition> Between(PartitionId first, PartitionId last) const;

  /// The partition, which need not be in the list.
  Partition At(PartKey key) const;

  /// After what changed the partition, which may be new.
  void Touch(PartKey key);

  void RemoveBefore(PartitionId day);

  /// Changes whenever the list does.
  uint64_t version() const;

 private:
  mutable Mutex mutex_;
  std::map<PartKey, uint64_t> versions_ GUARDED_BY(mutex_);
  uint64_t last_version_ GUARDED_BY(mutex_) = 0;
};

}  // namespace barograph::tsdb::index
