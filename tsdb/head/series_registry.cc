#include "tsdb/head/series_registry.h"

#include <algorithm>

#include "base/bytes/varint.h"

namespace barograph::tsdb {
namespace {

uint32_t ShortHash(const Labels& labels) { return static_cast<uint32_t>(labels.Hash()); }

void AppendPacked(std::string& out, std::string_view text) {
  AppendVarint(out, text.size());
  out.append(text);
}

}  // namespace

SeriesRegistry::SeriesRegistry(size_t max_series, Hooks hooks)
    : max_series_(max_series), hooks_(std::move(hooks)) {}

template <typename F>
void SeriesRegistry::ForEachPair(SeriesRef ref, F&& visit) const {
  const std::string_view list = pair_lists_.At(labels_[ref]);
  const char* in = list.data();
  const char* end = in + list.size();
  while (in != end) {
    uint64_t pair;
    in = GetVarint(in, end, pair);
    visit(index_.pair(static_cast<LabelIndex::PairId>(pair)));
  }
}

bool SeriesRegistry::LabelsEqual::operator()(const LabelsKey& key, SeriesRef ref) const {
  if (registry->hashes_[ref] != key.hash) return false;
  Labels::Iterator next = key.labels.begin();
  bool equal = true;
  registry->ForEachPair(ref, [&](const Label& label) {
    equal = equal && next != key.labels.end() && *next == label;
    if (equal) ++next;
  });
  return equal && next == key.labels.end();
}

Result<SeriesRef> SeriesRegistry::GetOrCreate(const Labels& labels) {
  {
    ReaderLock lock(mutex_);
    if (const auto found = FindLocked(labels)) return *found;
    TRY(CheckRoom());
  }
  SeriesId id = hooks_.lookup ? hooks_.lookup(labels) : kNoSeries;
  WriterLock lock(mutex_);
  if (const auto found = FindLocked(labels)) return *found;
  TRY(CheckRoom());
  if (max_series_ != 0 && ids_.size() >= max_series_) {
    return Fail(ErrorCode::kLimitExceeded,
                "the storage holds its limit of " + std::to_string(max_series_) + " series");
  }
  if (id == kNoSeries || by_id_.contains(id)) id = SeriesId{++last_id_};
  const SeriesRef ref = Insert(id, labels);
  if (hooks_.created) hooks_.created(id, labels.packed());
  return ref;
}

Status SeriesRegistry::Restore(SeriesId id, const Labels& labels) {
  WriterLock lock(mutex_);
  if (by_id_.contains(id) || aliases_.contains(static_cast<uint64_t>(id))) return {};
  TRY(CheckRoom());
  if (const auto found = FindLocked(labels)) {
    aliases_.emplace(static_cast<uint64_t>(id), *found);
  } else {
    Insert(id, labels);
  }
  last_id_ = std::max(last_id_, static_cast<uint64_t>(id));
  return {};
}

std::optional<SeriesRef> SeriesRegistry::FindLocked(const Labels& labels) const {
  const auto found = by_labels_.find(LabelsKey{ShortHash(labels), labels});
  return found == by_labels_.end() ? std::nullopt : std::optional(*found);
}

// What the 32-bit numbers inside can hold.
Status SeriesRegistry::CheckRoom() const {
  constexpr size_t kMaxRefs = ~uint32_t{0} - 1;
  if (index_.full() || pair_lists_.full() || ids_.size() >= kMaxRefs) {
    return Fail(ErrorCode::kLimitExceeded, "the storage cannot hold more series");
  }
  return {};
}

SeriesRef SeriesRegistry::Insert(SeriesId id, const Labels& labels) {
  const auto ref = static_cast<SeriesRef>(ids_.size());
  std::string pairs;
  for (const auto& [name, value] : labels) {
    const LabelIndex::PairId pair = index_.Intern(name, value);
    index_.Add(pair, ref);
    AppendVarint(pairs, pair);
  }
  ids_.push_back(id);
  hashes_.push_back(ShortHash(labels));
  labels_.push_back(pair_lists_.Store(pairs));
  first_source_.push_back(kNoNode);
  all_.add(ref);
  by_labels_.insert(ref);
  by_id_.insert(ref);
  return ref;
}

void SeriesRegistry::ReserveIds(SeriesId id) {
  WriterLock lock(mutex_);
  last_id_ = std::max(last_id_, static_cast<uint64_t>(id));
}

std::optional<SeriesRef> SeriesRegistry::RefOf(SeriesId id) const {
  ReaderLock lock(mutex_);
  if (const auto found = by_id_.find(id); found != by_id_.end()) return *found;
  const auto alias = aliases_.find(static_cast<uint64_t>(id));
  return alias == aliases_.end() ? std::nullopt : std::optional(alias->second);
}

SeriesId SeriesRegistry::IdOf(SeriesRef ref) const {
  ReaderLock lock(mutex_);
  return ids_[ref];
}

Labels SeriesRegistry::LabelsOf(SeriesRef ref) const {
  std::string packed;
  ReaderLock lock(mutex_);
  ForEachPair(ref, [&](const Label& label) {
    AppendPacked(packed, label.name);
    AppendPacked(packed, label.value);
  });
  return Labels::FromPacked(std::move(packed));
}

size_t SeriesRegistry::size() const {
  ReaderLock lock(mutex_);
  return ids_.size();
}

void SeriesRegistry::SetSource(SeriesRef ref, Source source) {
  WriterLock lock(mutex_);
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

std::optional<ColumnId> SeriesRegistry::ColumnIn(SeriesRef ref, uint32_t table) const {
  ReaderLock lock(mutex_);
  for (uint32_t node = first_source_[ref]; node != kNoNode; node = sources_[node].next) {
    if (sources_[node].source.table == table) return sources_[node].source.column;
  }
  return std::nullopt;
}

Result<std::vector<SeriesRef>> SeriesRegistry::Match(const Matchers& matchers,
                                                     std::stop_token stop) const {
  ReaderLock lock(mutex_);
  const Roaring found = TRY(MatchSeries(index_, all_, matchers, std::move(stop)));
  std::vector<SeriesRef> refs(found.cardinality());
  found.toUint32Array(refs.data());
  return refs;
}

void SeriesRegistry::SourcesOf(SeriesRef ref, std::vector<Source>& out) const {
  ReaderLock lock(mutex_);
  for (uint32_t node = first_source_[ref]; node != kNoNode; node = sources_[node].next) {
    out.push_back(sources_[node].source);
  }
}

std::vector<std::string> SeriesRegistry::LabelNames() const {
  ReaderLock lock(mutex_);
  std::vector<std::string> names;
  for (const std::string_view name : index_.Names()) names.emplace_back(name);
  return names;
}

std::vector<std::string> SeriesRegistry::LabelValues(std::string_view name) const {
  ReaderLock lock(mutex_);
  std::vector<std::string> values;
  for (const LabelIndex::PairId pair : index_.PairsOf(name)) {
    values.emplace_back(index_.pair(pair).value);
  }
  return values;
}

// The distinct texts that `choose` picks from the labels of the series; empty is none.
template <typename Choose>
Result<std::vector<std::string>> SeriesRegistry::Collect(std::span<const SeriesRef> refs,
                                                         Choose choose,
                                                         const std::stop_token& stop) const {
  constexpr size_t kSeriesPerStop = 1024;
  boost::unordered_flat_set<std::string_view> seen;
  ReaderLock lock(mutex_);
  for (size_t i = 0; i < refs.size(); ++i) {
    if (i % kSeriesPerStop == 0 && stop.stop_requested()) {
      return Fail(ErrorCode::kCancelled, "query was cancelled");
    }
    ForEachPair(refs[i], [&](const Label& label) {
      const std::string_view text = choose(label);
      if (!text.empty()) seen.insert(text);
    });
  }
  return std::vector<std::string>(seen.begin(), seen.end());
}

Result<std::vector<std::string>> SeriesRegistry::LabelNamesOf(std::span<const SeriesRef> refs,
                                                              std::stop_token stop) const {
  return Collect(refs, [](const Label& label) { return label.name; }, stop);
}

Result<std::vector<std::string>> SeriesRegistry::LabelValuesOf(std::span<const SeriesRef> refs,
                                                               std::string_view name,
                                                               std::stop_token stop) const {
  const auto value_of = [&](const Label& label) {
    return label.name == name ? label.value : std::string_view();
  };
  return Collect(refs, value_of, stop);
}

}  // namespace barograph::tsdb
