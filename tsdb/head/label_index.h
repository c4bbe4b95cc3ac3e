#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include "base/model/labels.h"
#include "base/model/matcher.h"
#include "base/result.h"
#include "tsdb/head/postings.h"
#include "tsdb/head/text_arena.h"

namespace barograph::tsdb {

/// Numbers the label pairs of the head's series, and knows for each pair which series have it.
/// A pair's text is stored once, however many series share it. Not thread-safe; const functions
/// may run side by side.
class LabelIndex {
 public:
  using PairId = uint32_t;

  /// The number of the pair, new when it is new.
  PairId Intern(std::string_view name, std::string_view value);
  std::optional<PairId> Find(std::string_view name, std::string_view value) const;
  size_t size() const { return pairs_.size(); }

  /// Adds the next pair with the series that have it. False when it is there already.
  bool Restore(const Label& label, PostingList postings);
  void Reserve(size_t pairs);

  /// The views live as long as the index.
  Label pair(PairId id) const;
  const PostingList& postings(PairId id) const { return pairs_[id].postings; }

  /// Precondition: `ref` is above all refs that were added to the pair.
  void Add(PairId id, SeriesRef ref) { pairs_[id].postings.Add(ref); }

  /// The pairs of a name, in no order; empty when there is none.
  const std::vector<PairId>& PairsOf(std::string_view name) const;
  std::vector<std::string_view> Names() const;

  /// No more texts fit; nothing may be interned any more.
  bool full() const { return values_.full(); }

 private:
  struct Name {
    std::string text;
    std::vector<PairId> pairs;
  };
  struct Pair {
    uint32_t name;   // index in names_
    uint32_t value;  // in values_
    PostingList postings;
  };
  struct PairKey {
    std::string_view name;
    std::string_view value;
  };
  // Hashes and compares numbers by the text they stand for.
  struct PairHash {
    using is_transparent = void;
    const LabelIndex* index;
    size_t operator()(PairId id) const;
    size_t operator()(const PairKey& key) const;
  };
  struct PairEqual {
    using is_transparent = void;
    const LabelIndex* index;
    bool operator()(PairId a, PairId b) const { return a == b; }
    bool operator()(const PairKey& key, PairId id) const;
    bool operator()(PairId id, const PairKey& key) const { return (*this)(key, id); }
  };

  uint32_t InternName(std::string_view name);

  TextArena values_;
  std::vector<std::unique_ptr<Name>> names_;
  boost::unordered_flat_map<std::string_view, uint32_t> name_numbers_;
  std::vector<Pair> pairs_;
  boost::unordered_flat_set<PairId, PairHash, PairEqual> pair_numbers_{0, PairHash{this},
                                                                       PairEqual{this}};
};

/// The series of `all` that match every matcher. Cancelled when `stop` asks for it.
Result<Roaring> MatchSeries(const LabelIndex& index, const Roaring& all, const Matchers& matchers,
                            std::stop_token stop);

}  // namespace barograph::tsdb
