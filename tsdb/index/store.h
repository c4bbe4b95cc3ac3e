#pragma once

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "tsdb/index/series_index.h"

namespace barograph::tsdb::index {

/// The column families (docs/formats/index.md). RocksDB wants the first, which is empty.
enum class Family : uint8_t { kDefault, kSeries, kIds, kPostings, kState };
inline constexpr size_t kFamilies = 5;

/// The RocksDB database of an index: opens it, and turns its statuses into errors that name its
/// folder. Thread-safe.
class Store {
 public:
  /// SeriesIndex::Open says which errors.
  static Result<std::unique_ptr<Store>> Open(const std::string& path,
                                             const SeriesIndexOptions& options);
  ~Store();

  /// nullopt when the key is not there.
  Result<std::optional<std::string>> Get(Family family, std::string_view key) const;
  std::unique_ptr<rocksdb::Iterator> NewIterator(Family family,
                                                 const rocksdb::ReadOptions& options) const;

  /// All of the batch or nothing, and durable with the next Flush.
  Status Write(rocksdb::WriteBatch& batch);
  Status Flush();
  Status VerifyChecksums() const;

  /// Removes the keys from `from` up to, not including, `to`.
  Status RemoveRange(Family family, std::string_view from, std::string_view to);

  /// Frees the space of keys that were removed between `from` and `to`; an empty one is no bound.
  Status Compact(Family family, std::string_view from, std::string_view to);

  Status Checkpoint(const std::string& path) const;

  void ReleaseBlocks() { cache_->EraseUnRefEntries(); }
  size_t cached_bytes() const { return cache_->GetUsage(); }

  rocksdb::ColumnFamilyHandle* handle(Family family) const {
    return families_[static_cast<size_t>(family)];
  }

  /// `tell` gets each error from then on that says that the files are damaged, from any thread. To
  /// be called before anyone else uses the store.
  void OnDamage(std::function<void(const Error&)> tell) { on_damage_ = std::move(tell); }

  Status Check(const rocksdb::Status& status) const;
  std::unexpected<Error> Damaged(std::string_view what) const;

 private:
  Store(std::string path, rocksdb::Env* environment)
      : path_(std::move(path)),
        environment_(environment == nullptr ? rocksdb::Env::Default() : environment) {}
  rocksdb::DBOptions DatabaseOptions(const SeriesIndexOptions& limits) const;
  Status OpenDatabase(const SeriesIndexOptions& options);
  Status CheckFolder(bool read_only) const;
  Status CheckSequence() const;
  Status CheckFormat(bool read_only);

  const std::string path_;
  rocksdb::Env* const environment_;
  std::function<void(const Error&)> on_damage_;
  Mutex flush_mutex_;                      // one writer of the file FLUSHED
  std::shared_ptr<rocksdb::Cache> cache_;  // blocks of the files
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
};

/// Collects writes. What belongs together stays together: a batch is written by Finish, or between
/// two things when it is large enough. A crash keeps the first batches. Not thread-safe.
class BatchWriter {
 public:
  explicit BatchWriter(Store& store) : store_(store) {}

  Status Put(Family family, std::string_view key, std::string_view value);
  Status Merge(Family family, std::string_view key, std::string_view value);
  Status Delete(Family family, std::string_view key);

  /// Whether the batch has its size.
  bool full() const;
  Status Finish();

 private:
  Store& store_;
  rocksdb::WriteBatch batch_;
};

}  // namespace barograph::tsdb::index
