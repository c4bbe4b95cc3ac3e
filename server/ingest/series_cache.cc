#include "server/ingest/series_cache.h"

#include <algorithm>
#include <random>
#include <utility>

namespace barograph::server {
namespace {

uint64_t RandomSeed() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

}  // namespace

SeriesCache::SeriesCache(uint64_t max_series)
    : seed_(RandomSeed()), max_recent_(std::max<uint64_t>(max_series / (2 * kShards), 1)) {}

SeriesId SeriesCache::Find(const SeriesKey& key) {
  Shard& shard = ShardOf(key);
  const MutexLock lock(shard.mutex);
  if (const auto found = shard.recent.find(key); found != shard.recent.end()) return found->second;
  const auto found = shard.older.find(key);
  if (found == shard.older.end()) return kNoSeries;
  const SeriesId series = found->second;
  shard.older.erase(found);
  InsertRecent(shard, key, series);
  return series;
}

void SeriesCache::Insert(const SeriesKey& key, SeriesId series) {
  Shard& shard = ShardOf(key);
  const MutexLock lock(shard.mutex);
  InsertRecent(shard, key, series);
}

void SeriesCache::InsertRecent(Shard& shard, const SeriesKey& key, SeriesId series) {
  if (shard.recent.size() >= max_recent_) {
    shard.older = std::move(shard.recent);
    shard.recent = Table();
  }
  shard.recent.insert_or_assign(key, series);
}

void SeriesCache::Clear() {
  for (Shard& shard : shards_) {
    const MutexLock lock(shard.mutex);
    shard.recent = Table();
    shard.older = Table();
  }
}

size_t SeriesCache::size() const {
  size_t size = 0;
  for (const Shard& shard : shards_) {
    const MutexLock lock(shard.mutex);
    size += shard.recent.size() + shard.older.size();
  }
  return size;
}

}  // namespace barograph::server
