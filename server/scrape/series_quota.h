#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace barograph::server {

/// How many series the targets of a pool have together, and how many were refused. Thread-safe.
struct PoolSeries {
  std::atomic<int64_t> count = 0;
  std::atomic<uint64_t> refused = 0;  ///< by series_limit or by storage, each time
};

/// What one target has of them; given back at its end. Not thread-safe.
class SeriesQuota {
 public:
  explicit SeriesQuota(std::shared_ptr<PoolSeries> pool) : pool_(std::move(pool)) {}
  ~SeriesQuota() { Set(0); }
  SeriesQuota(const SeriesQuota&) = delete;
  SeriesQuota& operator=(const SeriesQuota&) = delete;

  /// Takes one more; false when the pool has `limit` already. 0 is no limit.
  bool TakeOne(uint64_t limit) {
    const int64_t before = pool_->count.fetch_add(1);
    if (limit > 0 && before >= 0 && static_cast<uint64_t>(before) >= limit) {
      --pool_->count;
      return false;
    }
    ++held_;
    return true;
  }

  /// Gives back one that came to nothing.
  void GiveBackOne() {
    --pool_->count;
    --held_;
  }

  /// Whether TakeOne would be likely to succeed.
  bool HasRoom(uint64_t limit) const {
    return limit == 0 || pool_->count < static_cast<int64_t>(limit);
  }

  /// Has `count` from now on, whatever the limit.
  void Set(uint64_t count) {
    const auto wanted = static_cast<int64_t>(count);
    pool_->count += wanted - held_;
    held_ = wanted;
  }

  void CountRefused(uint64_t series) { pool_->refused += series; }

 private:
  const std::shared_ptr<PoolSeries> pool_;
  int64_t held_ = 0;
};

}  // namespace barograph::server
