#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_set.hpp>

#include "base/model/labels.h"
#include "base/model/matcher.h"
#include "base/model/sample.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/storage/appendable.h"
#include "tsdb/head/label_index.h"
#include "tsdb/head/text_arena.h"

namespace barograph::tsdb {

/// A place that holds samples of a series: a column of a table of the head, or kLone.
struct Source {
  static constexpr uint32_t kLone = ~uint32_t{0};
  uint32_t table;
  ColumnId column;
  bool operator==(const Source&) const = default;
};

/// The series of the head: their labels, their ids, the places that hold their samples, and the
/// postings that find them. Ids are dense and never given twice.
///
/// A series costs about 20 bytes for its numbers, 8 to 14 for two hash tables of refs, 2 to 4 a
/// label (numbers of pairs, whose text all share), 12 a source and its part of the postings.
///
/// Thread-safe. Nothing here waits for a disk, but for `lookup`.
class SeriesRegistry {
 public:
  struct Hooks {
    /// The id that labels had before, in this or an earlier process, or kNoSeries. Called without
    /// a lock.
    std::function<SeriesId(const Labels&)> lookup;
    /// Called for each new series before anyone else can find it; must be quick.
    std::function<void(SeriesId, std::string_view packed_labels)> created;
  };

  SeriesRegistry(size_t max_series, Hooks hooks);

  /// The series with these labels, new when there is none. LimitExceeded when there may be no more.
  Result<SeriesRef> GetOrCreate(const Labels& labels);

  /// For replay: puts a series in place under the id it had. Where the labels have another id
  /// already, `id` becomes another name of that series. LimitExceeded as above, but not for
  /// max_series.
  Status Restore(SeriesId id, const Labels& labels);

  /// Ids up to `id` are never given again.
  void ReserveIds(SeriesId id);

  std::optional<SeriesRef> RefOf(SeriesId id) const;
  SeriesId IdOf(SeriesRef ref) const;
  Labels LabelsOf(SeriesRef ref) const;
  size_t size() const;

  /// Sets the series' column in that table: adds a source, or moves the one it has.
  void SetSource(SeriesRef ref, Source source);
  std::optional<ColumnId> ColumnIn(SeriesRef ref, uint32_t table) const;

  /// Series that match all matchers, ascending. An empty list of matchers is all series.
  Result<std::vector<SeriesRef>> Match(const Matchers& matchers, std::stop_token stop) const;

  /// Appends the sources of `ref`, oldest first.
  void SourcesOf(SeriesRef ref, std::vector<Source>& out) const;

  /// All names, or the values of one, of all series; unsorted.
  std::vector<std::string> LabelNames() const;
  std::vector<std::string> LabelValues(std::string_view name) const;

  /// The same of the given series; unique.
  Result<std::vector<std::string>> LabelNamesOf(std::span<const SeriesRef> refs,
                                                std::stop_token stop) const;
  Result<std::vector<std::string>> LabelValuesOf(std::span<const SeriesRef> refs,
                                                 std::string_view name, std::stop_token stop) const;

 private:
  static constexpr uint32_t kNoNode = ~uint32_t{0};
  struct SourceNode {
    Source source;
    uint32_t next;
  };
  struct LabelsKey {
    uint32_t hash;
    const Labels& labels;
  };
  struct LabelsHash {
    using is_transparent = void;
    const SeriesRegistry* registry;
    size_t operator()(SeriesRef ref) const { return registry->hashes_[ref]; }
    size_t operator()(const LabelsKey& key) const { return key.hash; }
  };
  struct LabelsEqual {
    using is_transparent = void;
    const SeriesRegistry* registry;
    bool operator()(SeriesRef a, SeriesRef b) const { return a == b; }
    bool operator()(const LabelsKey& key, SeriesRef ref) const;
    bool operator()(SeriesRef ref, const LabelsKey& key) const { return (*this)(key, ref); }
  };
  struct IdHash {
    using is_transparent = void;
    const SeriesRegistry* registry;
    size_t operator()(SeriesRef ref) const { return (*this)(registry->ids_[ref]); }
    size_t operator()(SeriesId id) const { return static_cast<size_t>(id); }
  };
  struct IdEqual {
    using is_transparent = void;
    const SeriesRegistry* registry;
    bool operator()(SeriesRef a, SeriesRef b) const { return a == b; }
    bool operator()(SeriesId id, SeriesRef ref) const { return registry->ids_[ref] == id; }
    bool operator()(SeriesRef ref, SeriesId id) const { return registry->ids_[ref] == id; }
  };

  std::optional<SeriesRef> FindLocked(const Labels& labels) const REQUIRES_SHARED(mutex_);
  Status CheckRoom() const REQUIRES_SHARED(mutex_);
  SeriesRef Insert(SeriesId id, const Labels& labels) REQUIRES(mutex_);
  template <typename Choose>
  Result<std::vector<std::string>> Collect(std::span<const SeriesRef> refs, Choose choose,
                                           const std::stop_token& stop) const;
  template <typename F>
  void ForEachPair(SeriesRef ref, F&& visit) const NO_THREAD_SAFETY_ANALYSIS;

  const size_t max_series_;
  const Hooks hooks_;

  mutable SharedMutex mutex_;
  LabelIndex index_;  // what follows is guarded by mutex_; the hash tables' functions read it too
  TextArena pair_lists_;
  Roaring all_;
  uint64_t last_id_ = 0;

  // Parallel, by ref.
  std::vector<SeriesId> ids_;
  std::vector<uint32_t> hashes_;
  std::vector<TextArena::Place> labels_;  // varints of pair numbers
  std::vector<uint32_t> first_source_;

  std::vector<SourceNode> sources_;
  boost::unordered_flat_set<SeriesRef, LabelsHash, LabelsEqual> by_labels_{0, LabelsHash{this},
                                                                           LabelsEqual{this}};
  boost::unordered_flat_set<SeriesRef, IdHash, IdEqual> by_id_{0, IdHash{this}, IdEqual{this}};
  boost::unordered_flat_map<uint64_t, SeriesRef> aliases_;  // other ids of a series
};

}  // namespace barograph::tsdb
