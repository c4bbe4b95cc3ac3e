#include "server/scrape/metadata_pool.h"

#include <utility>

namespace barograph::server {

const FamilyDescription* MetadataPool::Take(FamilyDescription description) {
  const MutexLock lock(mutex_);
  const auto entry = users_.try_emplace(std::move(description)).first;
  ++entry->second;
  return &entry->first;
}

void MetadataPool::Release(const FamilyDescription* description) {
  const MutexLock lock(mutex_);
  const auto entry = users_.find(*description);
  if (--entry->second == 0) users_.erase(entry);
}

size_t MetadataPool::size() const {
  const MutexLock lock(mutex_);
  return users_.size();
}

}  // namespace barograph::server
