#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>

#include "base/model/sample.h"
#include "base/mutex.h"
#include "server/ingest/write_request.h"

/// Which series a label set names, by the bytes in which senders write it: a sender writes the
/// same ones every time, so that sorting, checking and looking up labels is left for those that
/// come for the first time.
namespace barograph::server {

/// Bounded: when half of it is full, what was not asked for since the last time is forgotten.
/// 24 bytes a series, and what the table needs. Thread-safe.
class SeriesCache {
 public:
  explicit SeriesCache(uint64_t max_series);

  /// Random, for the keys of requests, so that nobody can prepare two sets with one key.
  uint64_t seed() const { return seed_; }

  /// kNoSeries when it is not there.
  SeriesId Find(const SeriesKey& key);
  void Insert(const SeriesKey& key, SeriesId series);
  void Clear();
  size_t size() const;

 private:
  struct KeyHash {
    using is_avalanching = void;
    size_t operator()(const SeriesKey& key) const noexcept { return key.low; }
  };
  using Table = boost::unordered_flat_map<SeriesKey, SeriesId, KeyHash>;
  struct Shard {
    mutable Mutex mutex;
    Table recent GUARDED_BY(mutex);
    Table older GUARDED_BY(mutex);
  };
  static constexpr size_t kShards = 16;

  Shard& ShardOf(const SeriesKey& key) { return shards_[key.high % kShards]; }
  void InsertRecent(Shard& shard, const SeriesKey& key, SeriesId series) REQUIRES(shard.mutex);

  const uint64_t seed_;
  const size_t max_recent_;  // of a shard
  std::array<Shard, kShards> shards_;
};

}  // namespace barograph::server
