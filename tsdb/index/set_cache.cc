#include "tsdb/index/set_cache.h"

#include <utility>

#include "tsdb/index/keys.h"

namespace barograph::tsdb::index {
namespace {

// The list's and the map's nodes and the set's own object, about.
constexpr size_t kItemBytes = 256;

}  // namespace

std::string SetCacheKey(uint64_t partition_version, SetKind kind, std::string_view text) {
  std::string key = BigEndian(partition_version);
  key += static_cast<char>(kind);
  return key.append(text);
}

SharedSet SetCache::Find(const std::string& key) {
  MutexLock guard(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  items_.splice(items_.begin(), items_, found->second);
  return found->second->set;
}

void SetCache::Insert(const std::string& key, SharedSet set) {
  const size_t bytes = kItemBytes + key.size() + set->getSizeInBytes();
  if (bytes > capacity_bytes_) return;
  MutexLock guard(mutex_);
  if (by_key_.contains(key)) return;
  items_.push_front({key, std::move(set), bytes});
  by_key_.emplace(items_.front().key, items_.begin());
  bytes_ += bytes;
  while (bytes_ > capacity_bytes_) {
    bytes_ -= items_.back().bytes;
    by_key_.erase(items_.back().key);
    items_.pop_back();
  }
}

size_t SetCache::size_bytes() const {
  MutexLock guard(mutex_);
  return bytes_;
}

}  // namespace barograph::tsdb::index
