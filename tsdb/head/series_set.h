#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include "base/bytes/varint.h"
#include "base/model/labels.h"
#include "base/model/sample.h"
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

/// Series by labels, by id and by postings, with the places that hold their samples. Series are
/// added and never taken out: to forget some, the others are copied to a new set
/// (SeriesRegistry::Compact).
///
/// A series costs about 20 bytes for its numbers, 8 to 14 for two hash tables of refs, 2 to 4 a
/// label (numbers of pairs, whose text all share), 12 a source and its part of the postings.
///
/// Not thread-safe; const functions may run side by side.
class SeriesSet {
 public:
  SeriesSet() = default;
  SeriesSet(const SeriesSet&) = delete;
  SeriesSet& operator=(const SeriesSet&) = delete;

  /// Preconditions: neither the id nor the labels are in the set; !full().
  SeriesRef Insert(SeriesId id, const Labels& labels);
  void Reserve(size_t series);
  void AddAlias(SeriesId alias, SeriesRef ref);

  /// By its own id or another name of the series.
  std::optional<SeriesRef> Find(SeriesId id) const;
  std::optional<SeriesRef> Find(const Labels& labels) const;

  size_t size() const { return ids_.size(); }
  /// No more series fit into the numbers inside.
  bool full() const;

  SeriesId IdOf(SeriesRef ref) const { return ids_[ref]; }
  Labels LabelsOf(SeriesRef ref) const;
  const LabelIndex& labels() const { return index_; }
  const Roaring& all() const { return all_; }

  /// Calls visit(Label) for the labels of the series, in name order.
  template <typename F>
  void ForEachLabel(SeriesRef ref, F&& visit) const {
    const std::string_view list = pair_lists_.At(labels_[ref]);
    const char* in = list.data();
    const char* end = in + list.size();
    while (in != end) {
      uint64_t pair;
      in = GetVarint(in, end, pair);
      visit(index_.pair(static_cast<LabelIndex::PairId>(pair)));
    }
  }

  /// Adds a source, or changes the column of the one in that table.
  void SetSource(SeriesRef ref, Source source);

  /// Calls visit(Source), oldest first.
  template <typename F>
  void ForEachSource(SeriesRef ref, F&& visit) const {
    for (uint32_t node = first_source_[ref]; node != kNoNode; node = sources_[node].next) {
      visit(sources_[node].source);
    }
  }

  /// Calls visit(SeriesId alias, SeriesRef).
  template <typename F>
  void ForEachAlias(F&& visit) const {
    for (const auto& [alias, ref] : aliases_) visit(SeriesId{alias}, ref);
  }

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
    const SeriesSet* set;
    size_t operator()(SeriesRef ref) const { return set->hashes_[ref]; }
    size_t operator()(const LabelsKey& key) const { return key.hash; }
  };
  struct LabelsEqual {
    using is_transparent = void;
    const SeriesSet* set;
    bool operator()(SeriesRef a, SeriesRef b) const { return a == b; }
    bool operator()(const LabelsKey& key, SeriesRef ref) const;
    bool operator()(SeriesRef ref, const LabelsKey& key) const { return (*this)(key, ref); }
  };
  struct IdHash {
    using is_transparent = void;
    const SeriesSet* set;
    size_t operator()(SeriesRef ref) const { return (*this)(set->ids_[ref]); }
    size_t operator()(SeriesId id) const { return static_cast<size_t>(id); }
  };
  struct IdEqual {
    using is_transparent = void;
    const SeriesSet* set;
    bool operator()(SeriesRef a, SeriesRef b) const { return a == b; }
    bool operator()(SeriesId id, SeriesRef ref) const { return set->ids_[ref] == id; }
    bool operator()(SeriesRef ref, SeriesId id) const { return set->ids_[ref] == id; }
  };

  LabelIndex index_;
  TextArena pair_lists_;
  Roaring all_;

  // Parallel, by ref.
  std::vector<SeriesId> ids_;
  std::vector<uint32_t> hashes_;
  std::vector<TextArena::Place> labels_;  // varints of pair numbers
  std::vector<uint32_t> first_source_;

  std::vector<LabelIndex::PairId> last_pairs_;  // of the series that was inserted last
  std::vector<SourceNode> sources_;
  boost::unordered_flat_set<SeriesRef, LabelsHash, LabelsEqual> by_labels_{0, LabelsHash{this},
                                                                           LabelsEqual{this}};
  boost::unordered_flat_set<SeriesRef, IdHash, IdEqual> by_id_{0, IdHash{this}, IdEqual{this}};
  boost::unordered_flat_map<uint64_t, SeriesRef> aliases_;  // other ids of a series
};

}  // namespace barograph::tsdb
