#include "tsdb/head/series_set.h"

#include <string>

namespace barograph::tsdb {
namespace {

uint32_t ShortHash(const Labels& labels) { return static_cast<uint32_t>(labels.Hash()); }

void AppendPacked(std::string& out, std::string_view text) {
  AppendVarint(out, text.size());
  out.append(text);
}

}  // namespace

bool SeriesSet::LabelsEqual::operator()(const LabelsKey& key, SeriesRef ref) const {
  if (set->hashes_[ref] != key.hash) return false;
  Labels::Iterator next = key.labels.begin();
  bool equal = true;
  set->ForEachLabel(ref, [&](const Label& label) {
    equal = equal && next != key.labels.end() && *next == label;
    if (equal) ++next;
  });
  return equal && next == key.labels.end();
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
  ids_.push_back(id);
  hashes_.push_back(ShortHash(labels));
  labels_.push_back(pair_lists_.Store(pairs));
  first_source_.push_back(kNoNode);
  all_.add(ref);
  by_labels_.insert(ref);
  by_id_.insert(ref);
  return ref;
}

void SeriesSet::Reserve(size_t series) {
  ids_.reserve(series);
  hashes_.reserve(series);
  labels_.reserve(series);
  first_source_.reserve(series);
  sources_.reserve(series);
  by_labels_.reserve(series);
  by_id_.reserve(series);
}

void SeriesSet::AddAlias(SeriesId alias, SeriesRef ref) {
  aliases_.emplace(static_cast<uint64_t>(alias), ref);
}

std::optional<SeriesRef> SeriesSet::Find(SeriesId id) const {
  if (const auto found = by_id_.find(id); found != by_id_.end()) return *found;
  const auto alias = aliases_.find(static_cast<uint64_t>(id));
  return alias == aliases_.end() ? std::nullopt : std::optional(alias->second);
}

std::optional<SeriesRef> SeriesSet::Find(const Labels& labels) const {
  const auto found = by_labels_.find(LabelsKey{ShortHash(labels), labels});
  return found == by_labels_.end() ? std::nullopt : std::optional(*found);
}

bool SeriesSet::full() const {
  constexpr size_t kMaxRefs = ~uint32_t{0} - 1;
  return index_.full() || pair_lists_.full() || ids_.size() >= kMaxRefs;
}

Labels SeriesSet::LabelsOf(SeriesRef ref) const {
  std::string packed;
  ForEachLabel(ref, [&](const Label& label) {
    AppendPacked(packed, label.name);
    AppendPacked(packed, label.value);
  });
  return Labels::FromPacked(std::move(packed));
}

void SeriesSet::SetSource(SeriesRef ref, Source source) {
  uint32_t last = kNoNode;
  for (uint32_t node = first_source_[ref]; node != kNoNode; node = sources_[node].next) {
    if (sources_[node].source.table == source.table) {
      sources_[node].source = source;
      return;
    }
    last = node;
  }
  const auto added = static_cast<uint32_t>(sources_.size());
  sources_.push_back({source, kNoNode});
  (last == kNoNode ? first_source_[ref] : sources_[last].next) = added;
}

}  // namespace barograph::tsdb
