#include "tsdb/head/series_set.h"

#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <string>

#include "base/containers.h"

namespace barograph::tsdb {
namespace {

uint32_t ShortHash(const Labels& labels) { return static_cast<uint32_t>(labels.Hash()); }

constexpr size_t kUsualLabels = 16;  // of a series, or fewer
using LabelList = boost::container::small_vector<Label, kUsualLabels>;

char* PutPacked(char* out, std::string_view text) {
  return std::ranges::copy(text, PutVarint(out, text.size())).out;
}

Labels Pack(const LabelList& labels) {
  size_t most = 0;
  for (const auto& [name, value] : labels) {
    most += VarintBytes(name.size()) + name.size() + VarintBytes(value.size()) + value.size();
  }
  std::string packed;
  packed.resize_and_overwrite(most, [&](char* out, size_t) {
    char* end = out;
    for (const auto& [name, value] : labels) end = PutPacked(PutPacked(end, name), value);
    return static_cast<size_t>(end - out);
  });
  return Labels::FromPacked(std::move(packed));
}

}  // namespace

bool SeriesSet::HasLabels(SeriesRef ref, const Labels& labels) const {
  Labels::Iterator next = labels.begin();
  bool equal = true;
  ForEachLabel(ref, [&](const Label& label) {
    equal = equal && next != labels.end() && *next == label;
    if (equal) ++next;
  });
  return equal && next == labels.end();
}

SeriesRef SeriesSet::Insert(SeriesId id, const Labels& labels) {
  const auto ref = static_cast<SeriesRef>(ids_.size());
  std::string pairs;
  size_t position = 0;
  for (const Label& label : labels) {
    // Most labels are those of the series before: a look is cheaper than a hash.
    const bool known = position < last_pairs_.size() && index_.pair(last_pairs_[position]) == label;
    if (position == last_pairs_.size()) last_pairs_.push_back(0);
    if (!known) last_pairs_[position] = index_.Intern(label.name, label.value);
    const LabelIndex::PairId pair = last_pairs_[position++];
    index_.Add(pair, ref);
    AppendVarint(pairs, pair);
  }
  last_pairs_.resize(position);
  AppendNumbers(id, ShortHash(labels), pairs);
  by_labels_.AddLast(hashes_);
  return ref;
}

void SeriesSet::AppendNumbers(SeriesId id, uint32_t hash, std::string_view pairs) {
  const auto ref = static_cast<SeriesRef>(ids_.size());
  if (in_order_ == ref && (ref == 0 || ids_.back() < id)) {
    ++in_order_;
  } else {
    by_id_.emplace(static_cast<uint64_t>(id), ref);
  }
  const auto append = [](auto& list, auto value) {
    GrowTight(list, list.size() + 1);
    list.push_back(value);
  };
  append(ids_, id);
  append(hashes_, hash);
  append(labels_, pair_lists_.Store(pairs));
  append(sources_, kNoSource);
}

bool SeriesSet::RestorePair(const Label& label, PostingList postings) {
  return !index_.full() && index_.Restore(label, std::move(postings));
}

bool SeriesSet::RestoreSeries(SeriesId id, uint32_t hash, std::string_view pairs,
                              size_t pair_count) {
  if (pair_lists_.full() || ids_.size() >= kMaxRefs || id == kNoSeries) return false;
  const char* in = pairs.data();
  const char* end = in + pairs.size();
  while (in != end) {
    uint64_t pair;
    in = GetVarint(in, end, pair);
    if (in == nullptr || pair >= pair_count) return false;
  }
  if (FindInOrder(id) || by_id_.contains(static_cast<uint64_t>(id))) return false;
  AppendNumbers(id, hash, pairs);
  return true;
}

bool SeriesSet::RestoreTable(std::vector<SeriesRef> slots) {
  return by_labels_.Restore(std::move(slots), ids_.size());
}

void SeriesSet::Reserve(size_t series, size_t pairs) {
  index_.Reserve(pairs);
  ids_.reserve(series);
  hashes_.reserve(series);
  labels_.reserve(series);
  sources_.reserve(series);
}

void SeriesSet::AddAlias(SeriesId alias, SeriesRef ref) {
  aliases_.emplace(static_cast<uint64_t>(alias), ref);
}

std::optional<SeriesRef> SeriesSet::Find(SeriesId id) const {
  if (const auto found = FindInOrder(id)) return found;
  for (const auto* others : {&by_id_, &aliases_}) {
    const auto found = others->find(static_cast<uint64_t>(id));
    if (found != others->end()) return found->second;
  }
  return std::nullopt;
}

std::optional<SeriesRef> SeriesSet::Find(SeriesId id, SeriesRef guess) const {
  return guess < ids_.size() && ids_[guess] == id ? std::optional(guess) : Find(id);
}

// Ids that ascend are no closer than their places: that bounds where `id` can be, to one place
// where none is left out.
std::optional<SeriesRef> SeriesSet::FindInOrder(SeriesId id) const {
  if (in_order_ == 0) return std::nullopt;
  const SeriesId last = ids_[in_order_ - 1];
  if (id < ids_.front() || id > last) return std::nullopt;
  const auto distance = [](SeriesId from, SeriesId to) {
    return static_cast<uint64_t>(to) - static_cast<uint64_t>(from);
  };
  const uint64_t most = std::min<uint64_t>(distance(ids_.front(), id), in_order_ - 1);
  const uint64_t least = in_order_ - 1 - std::min<uint64_t>(distance(id, last), in_order_ - 1);
  const auto begin = ids_.begin();
  const auto at = std::lower_bound(begin + static_cast<ptrdiff_t>(least),
                                   begin + static_cast<ptrdiff_t>(most), id);
  return *at == id ? std::optional(static_cast<SeriesRef>(at - begin)) : std::nullopt;
}

std::optional<SeriesRef> SeriesSet::Find(const Labels& labels) const {
  return by_labels_.Find(ShortHash(labels), hashes_,
                         [&](SeriesRef ref) { return HasLabels(ref, labels); });
}

Roaring SeriesSet::All() const {
  Roaring all;
  if (!ids_.empty()) all.addRange(0, ids_.size());
  return all;
}

bool SeriesSet::full() const {
  return index_.full() || pair_lists_.full() || ids_.size() >= kMaxRefs;
}

Labels SeriesSet::LabelsOf(SeriesRef ref) const {
  LabelList labels;
  ForEachLabel(ref, [&](const Label& label) { labels.push_back(label); });
  return Pack(labels);
}

Labels SeriesSet::LabelsOf(SeriesRef ref, std::span<const std::string> names) const {
  if (names.empty()) return {};
  LabelList labels;
  ForEachLabel(ref, [&](const Label& label) {
    if (std::ranges::find(names, label.name) != names.end()) labels.push_back(label);
  });
  return Pack(labels);
}

void SeriesSet::SetSource(SeriesRef ref, Source source) {
  if (sources_[ref] == kNoSource || sources_[ref].table == source.table) {
    sources_[ref] = source;
    return;
  }
  uint32_t last = kNoNode;
  for (uint32_t node = FirstOther(ref); node != kNoNode; node = others_[node].next) {
    if (others_[node].source.table == source.table) {
      others_[node].source = source;
      return;
    }
    last = node;
  }
  const auto added = static_cast<uint32_t>(others_.size());
  GrowTight(others_, others_.size() + 1);
  others_.push_back({source, kNoNode});
  if (last != kNoNode) {
    others_[last].next = added;
    return;
  }
  if (ref >= first_other_.size()) {
    GrowTight(first_other_, size_t{ref} + 1);
    first_other_.resize(size_t{ref} + 1, kNoNode);
  }
  first_other_[ref] = added;
}

}  // namespace barograph::tsdb
