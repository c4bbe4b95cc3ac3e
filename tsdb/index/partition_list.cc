#include "tsdb/index/partition_list.h"

namespace barograph::tsdb::index {

Status PartitionList::Load(const Store& store) {
  const auto at = store.NewIterator(Family::kPostings, {});
  at->SeekToFirst();
  while (at->Valid()) {
    const std::optional<PartKey> key = ParsePartPrefix(at->key().ToStringView());
    if (!key) return store.Damaged("the key of a set of series is damaged");
    Touch(*key);
    const std::string next = After(PartPrefix(*key));
    if (next.empty()) break;
    at->Seek(next);
  }
  return store.Check(at->status());
}

std::vector<Partition> PartitionList::Between(PartitionId first, PartitionId last) const {
  MutexLock guard(mutex_);
  std::vector<Partition> partitions;
  for (auto at = versions_.lower_bound({first, 0}); at != versions_.end(); ++at) {
    if (at->first.day > last) break;
    partitions.push_back({at->first, at->second});
  }
  return partitions;
}

Partition PartitionList::At(PartKey key) const {
  MutexLock guard(mutex_);
  const auto found = versions_.find(key);
  return {key, found == versions_.end() ? 0 : found->second};
}

void PartitionList::Touch(PartKey key) {
  MutexLock guard(mutex_);
  versions_[key] = ++last_version_;
}

void PartitionList::RemoveBefore(PartitionId day) {
  MutexLock guard(mutex_);
  versions_.erase(versions_.begin(), versions_.lower_bound({day, 0}));
  ++last_version_;
}

uint64_t PartitionList::version() const {
  MutexLock guard(mutex_);
  return last_version_;
}

}  // namespace barograph::tsdb::index
