#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tsdb/index/partition_list.h"
#include "tsdb/index/set_cache.h"
#include "tsdb/index/store.h"

/// Reading the sets of series that partitions hold.
namespace barograph::tsdb::index {

/// Looks sets up, through a cache. Thread-safe.
class PostingsReader {
 public:
  /// Both must outlive it.
  PostingsReader(const Store& store, SetCache& cache) : store_(store), cache_(cache) {}

  /// The ids of the partition with the label; an empty value stands for any value, and an empty
  /// name for all ids of the partition.
  Result<SharedSet> Get(const Partition& partition, std::string_view name,
                        std::string_view value) const;

  const Store& store() const { return store_; }
  SetCache& cache() const { return cache_; }

 private:
  const Store& store_;
  SetCache& cache_;
};

/// Walks the values of a label that begin with a prefix, in all of some partitions at once: values
/// ascend, each comes once. Not thread-safe.
class ValueScan {
 public:
  ValueScan(const Store& store, std::span<const Partition> partitions, std::string_view name,
            std::string_view prefix);

  /// Goes to the next value, at first to the first; false at the end.
  Result<bool> Next();

  /// Good until the next Next.
  std::string_view value() const { return value_; }

  /// The partitions that have the value, by their place in `partitions`.
  std::span<const size_t> holders() const { return holders_; }

  /// Adds the ids with the value in partitions[holder] to `set`.
  Status AddTo(size_t holder, Roaring& set) const;

 private:
  struct Lane {
    std::string begin, end;  // of its keys
    size_t value_at = 0;     // where the value stands in a key
    rocksdb::Slice end_slice;
    std::unique_ptr<rocksdb::Iterator> at;
    std::string_view value() const { return at->key().ToStringView().substr(value_at); }
  };

  Status Enter(size_t lane);
  static bool Later(const Lane& a, const Lane& b) { return a.value() > b.value(); }

  const Store& store_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<size_t> heap_;  // lanes that have more, by value
  std::vector<size_t> holders_;
  std::string value_;
  bool started_ = false;
};

/// The label names of the partition, in no order. `visit` is called once for each.
Status ForEachName(const Store& store, PartKey partition,
                   const std::function<Status(std::string_view)>& visit,
                   const std::stop_token& stop);

}  // namespace barograph::tsdb::index
