#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <roaring/roaring.hh>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/mutex.h"

namespace barograph::tsdb::index {

/// An immutable set of lower halves of ids.
using SharedSet = std::shared_ptr<const Roaring>;

/// What a set of a partition was found by: its own label, or a matcher.
enum class SetKind : char { kLabel = 'l', kMatcher = 'm' };
std::string SetCacheKey(uint64_t partition_version, SetKind kind, std::string_view text);

/// The sets that were used last, within so many bytes. Thread-safe.
class SetCache {
 public:
  explicit SetCache(size_t capacity_bytes) : capacity_bytes_(capacity_bytes) {}

  /// nullptr when it is not there.
  SharedSet Find(const std::string& key);
  void Insert(const std::string& key, SharedSet set);

  size_t size_bytes() const;

 private:
  struct Item {
    std::string key;
    SharedSet set;
    size_t bytes;
  };
  using Items = std::list<Item>;

  const size_t capacity_bytes_;
  mutable Mutex mutex_;
  Items items_ GUARDED_BY(mutex_);  // the last used first
  std::unordered_map<std::string_view, Items::iterator> by_key_ GUARDED_BY(mutex_);
  size_t bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace barograph::tsdb::index
