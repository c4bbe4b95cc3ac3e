#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/bytes/varint.h"
#include "base/model/labels.h"
#include "base/model/sample.h"
#include "base/storage/appendable.h"
#include "tsdb/head/label_index.h"
#include "tsdb/head/ref_table.h"
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
/// A series costs about 16 bytes for its numbers, 6 to 9 for a hash table of refs, 2 to 4 a label
/// (numbers of pairs, whose text all share), 8 for its source, 16 for each other one, and its part
/// of the postings. As ids are given in order, most series are found by id without a table.
///
/// Not thread-safe; const functions may run side by side.
class SeriesSet {
 public:
  SeriesSet() = default;
  SeriesSet(const SeriesSet&) = delete;
  SeriesSet& operator=(const SeriesSet&) = delete;

  /// Preconditions: neither the id nor the labels are in the set; !full().
  SeriesRef Insert(SeriesId id, const Labels& labels);
  void Reserve(size_t series, size_t pairs = 0);

  /// Takes a set over that was written down (tsdb/head/series_dump.h): all its pairs, with the refs
  /// of their series, and the series in the order of their refs, each as HashOf and PairsOf told
  /// it, of `pair_count` pairs altogether, then the table of the hashes. Pairs may come on one
  /// thread while series come on another. False for what no set can have told.
  bool RestorePair(const Label& label, PostingList postings);
  bool RestoreSeries(SeriesId id, uint32_t hash, std::string_view pairs, size_t pair_count);
  bool RestoreTable(std::vector<SeriesRef> slots);
  const RefTable& table() const { return by_labels_; }
  uint32_t HashOf(SeriesRef ref) const { return hashes_[ref]; }
  std::string_view PairsOf(SeriesRef ref) const { return pair_lists_.At(labels_[ref]); }

  void AddAlias(SeriesId alias, SeriesRef ref);

  /// By its own id or another name of the series.
  std::optional<SeriesRef> Find(SeriesId id) const;
  std::optional<SeriesRef> Find(const Labels& labels) const;
  /// The same; quick where the series is likely to be `guess`.
  std::optional<SeriesRef> Find(SeriesId id, SeriesRef guess) const;

  size_t size() const { return ids_.size(); }
  /// No more series fit into the numbers inside.
  bool full() const;

  SeriesId IdOf(SeriesRef ref) const { return ids_[ref]; }
  Labels LabelsOf(SeriesRef ref) const;
  /// Those of the labels that have one of the names, in `names`.
  Labels LabelsOf(SeriesRef ref, std::span<const std::string> names) const;
  const LabelIndex& labels() const { return index_; }
  Roaring All() const;

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
    if (sources_[ref] == kNoSource) return;
    visit(sources_[ref]);
    for (uint32_t node = FirstOther(ref); node != kNoNode; node = others_[node].next) {
      visit(others_[node].source);
    }
  }

  /// Calls visit(SeriesId alias, SeriesRef).
  template <typename F>
  void ForEachAlias(F&& visit) const {
    for (const auto& [alias, ref] : aliases_) visit(SeriesId{alias}, ref);
  }

 private:
  static constexpr size_t kMaxRefs = ~uint32_t{0} - 1;
  static constexpr uint32_t kNoNode = ~uint32_t{0};
  static constexpr Source kNoSource{~uint32_t{1}, 0};
  struct SourceNode {
    Source source;
    uint32_t next;
  };
  uint32_t FirstOther(SeriesRef ref) const {
    return ref < first_other_.size() ? first_other_[ref] : kNoNode;
  }
  bool HasLabels(SeriesRef ref, const Labels& labels) const;
  std::optional<SeriesRef> FindInOrder(SeriesId id) const;
  void AppendNumbers(SeriesId id, uint32_t hash, std::string_view pairs);

  LabelIndex index_;
  TextArena pair_lists_;

  // Parallel, by ref.
  std::vector<SeriesId> ids_;
  std::vector<uint32_t> hashes_;
  std::vector<TextArena::Place> labels_;  // varints of pair numbers
  std::vector<Source> sources_;           // the oldest

  std::vector<LabelIndex::PairId> last_pairs_;  // of the series that was inserted last
  std::vector<uint32_t> first_other_;           // by ref; as far as any has more than one source
  std::vector<SourceNode> others_;
  RefTable by_labels_;
  size_t in_order_ = 0;                                   // so many ids, from the first on, ascend
  boost::unordered_flat_map<uint64_t, SeriesRef> by_id_;  // the others
  boost::unordered_flat_map<uint64_t, SeriesRef> aliases_;  // other ids of a series
};

}  // namespace barograph::tsdb
