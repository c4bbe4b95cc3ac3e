#include "tsdb/head/series_registry.h"

#include <algorithm>
#include <utility>

#include "tsdb/head/series_dump.h"
#include "tsdb/head/statistics.h"
#include "tsdb/start_stream.h"

namespace barograph::tsdb {
namespace {

constexpr size_t kSeriesPerStop = 1024;

// While series are copied the lock is given up this often, for those who add some.
constexpr SeriesRef kSeriesPerTurn = 4096;

}  // namespace

SeriesRegistry::SeriesRegistry(size_t max_series, Hooks hooks)
    : max_series_(max_series), hooks_(std::move(hooks)), set_(std::make_shared<SeriesSet>()) {}

Result<SeriesId> SeriesRegistry::GetOrCreate(const Labels& labels) {
  {
    ReaderLock lock(mutex_);
    if (const auto found = set_->Find(labels)) return set_->IdOf(*found);
    TRY(CheckRoom());
  }
  if (hooks_.admit) TRY(hooks_.admit());
  SeriesId id = hooks_.lookup ? hooks_.lookup(labels) : kNoSeries;
  WriterLock lock(mutex_);
  if (const auto found = set_->Find(labels)) return set_->IdOf(*found);
  TRY(CheckRoom());
  if (max_series_ != 0 && set_->size() >= max_series_) {
    return Fail(ErrorCode::kLimitExceeded,
                "the storage holds its limit of " + std::to_string(max_series_) + " series");
  }
  if (id == kNoSeries || set_->Find(id)) id = SeriesId{++last_id_};
  set_->Insert(id, labels);
  if (hooks_.created) hooks_.created(id, labels.packed());
  return id;
}

Status SeriesRegistry::Restore(SeriesId id, const Labels& labels) {
  WriterLock lock(mutex_);
  return RestoreLocked(id, labels);
}

Status SeriesRegistry::RestoreLocked(SeriesId id, const Labels& labels) {
  if (set_->Find(id)) return {};
  TRY(CheckRoom());
  if (const auto found = set_->Find(labels)) {
    set_->AddAlias(id, *found);
  } else {
    set_->Insert(id, labels);
  }
  last_id_ = std::max(last_id_, static_cast<uint64_t>(id));
  return {};
}

Status SeriesRegistry::CheckRoom() const {
  if (!set_->full()) return {};
  return Fail(ErrorCode::kLimitExceeded, "the storage cannot hold more series");
}

Status SeriesRegistry::RestoreAll(size_t count, const std::function<Status(const Add&)>& each) {
  WriterLock lock(mutex_);
  set_->Reserve(count);
  return each([&](SeriesId id, const Labels& labels)
                  REQUIRES(mutex_) { return RestoreLocked(id, labels); });
}

void SeriesRegistry::ReserveIds(SeriesId id) {
  WriterLock lock(mutex_);
  last_id_ = std::max(last_id_, static_cast<uint64_t>(id));
}

std::optional<SeriesId> SeriesRegistry::Find(SeriesId id) const {
  ReaderLock lock(mutex_);
  const auto ref = set_->Find(id);
  return ref ? std::optional(set_->IdOf(*ref)) : std::nullopt;
}

std::vector<size_t> SeriesRegistry::FindAll(std::span<SeriesId> ids) const {
  std::vector<size_t> unknown;
  SeriesRef guess = 0;
  ReaderLock lock(mutex_);
  for (size_t i = 0; i < ids.size(); ++i) {
    if (const auto ref = set_->Find(ids[i], guess)) {
      guess = *ref + 1;
      ids[i] = set_->IdOf(*ref);
    } else {
      unknown.push_back(i);
    }
  }
  return unknown;
}

std::optional<Labels> SeriesRegistry::LabelsOf(SeriesId id) const {
  ReaderLock lock(mutex_);
  const auto ref = set_->Find(id);
  return ref ? std::optional(set_->LabelsOf(*ref)) : std::nullopt;
}

size_t SeriesRegistry::size() const {
  ReaderLock lock(mutex_);
  return set_->size();
}

HeadStatistics SeriesRegistry::Count(size_t limit) const {
  ReaderLock lock(mutex_);
  return CountSeries(*set_, limit);
}

bool SeriesRegistry::SetSource(SeriesId id, Source source) {
  WriterLock lock(mutex_);
  const auto ref = set_->Find(id);
  if (ref) set_->SetSource(*ref, source);
  return ref.has_value();
}

void SeriesRegistry::AddSources(uint32_t table, std::span<const SeriesId> columns,
                                std::vector<SeriesId>& missing) {
  WriterLock lock(mutex_);
  SeriesRef guess = 0;
  for (size_t column = 0; column < columns.size(); ++column) {
    if (columns[column] == kNoSeries || IsStartStream(columns[column])) continue;
    if (const auto ref = set_->Find(columns[column], guess)) {
      guess = *ref + 1;
      set_->SetSource(*ref, {table, static_cast<ColumnId>(column)});
    } else {
      missing.push_back(columns[column]);
    }
  }
}

Status SeriesRegistry::Dump(const std::function<Status(std::string_view)>& write) const {
  std::optional<SeriesDumpWriter> dump;
  {
    ReaderLock lock(mutex_);
    dump.emplace(set_, SeriesId{last_id_});
  }
  while (!dump->done()) {
    std::string piece;
    {
      ReaderLock lock(mutex_);
      piece = dump->Next();
    }
    TRY(write(piece));
  }
  return {};
}

Status SeriesRegistry::Load(std::string_view dump) {
  SeriesDump read = TRY(ReadSeriesDump(dump));
  WriterLock lock(mutex_);
  set_ = std::move(read.set);
  last_id_ = std::max(last_id_, static_cast<uint64_t>(read.last_id));
  return {};
}

std::optional<ColumnId> SeriesRegistry::ColumnIn(SeriesId id, uint32_t table) const {
  std::optional<ColumnId> column;
  ReaderLock lock(mutex_);
  if (const auto ref = set_->Find(id)) {
    set_->ForEachSource(*ref, [&](const Source& source) {
      if (source.table == table) column = source.column;
    });
  }
  return column;
}

std::vector<Source> SeriesRegistry::SourcesOf(SeriesId id) const {
  std::vector<Source> sources;
  ReaderLock lock(mutex_);
  if (const auto ref = set_->Find(id)) {
    set_->ForEachSource(*ref, [&](const Source& source) { sources.push_back(source); });
  }
  return sources;
}

Result<SeriesRegistry::Found> SeriesRegistry::Match(const Matchers& matchers,
                                                    std::stop_token stop) const {
  ReaderLock lock(mutex_);
  const Roaring matching = TRY(MatchSeries(set_->labels(), set_->All(), matchers, std::move(stop)));
  Found found{set_, std::vector<SeriesRef>(matching.cardinality())};
  matching.toUint32Array(found.refs.data());
  return found;
}

Labels SeriesRegistry::LabelsOf(const SeriesSet& set, SeriesRef ref) const {
  ReaderLock lock(mutex_);
  return set.LabelsOf(ref);
}

Labels SeriesRegistry::LabelsOf(const SeriesSet& set, SeriesRef ref,
                                std::span<const std::string> names) const {
  ReaderLock lock(mutex_);
  return set.LabelsOf(ref, names);
}

template <typename Visit>
void SeriesRegistry::ForEachSource(const Found& found, size_t index, Visit visit) const {
  if (set_ != found.set) {
    // Sources that came since are in the new set alone.
    if (const auto ref = set_->Find(found.set->IdOf(found.refs[index]))) {
      return set_->ForEachSource(*ref, visit);
    }
  }
  found.set->ForEachSource(found.refs[index], visit);
}

void SeriesRegistry::SourcesOf(const Found& found, size_t index, std::vector<Source>& out) const {
  ReaderLock lock(mutex_);
  ForEachSource(found, index, [&](const Source& source) { out.push_back(source); });
}

void SeriesRegistry::GlanceAt(const Found& found, size_t begin, size_t end,
                              std::vector<Glance>& glances) const {
  glances.clear();
  ReaderLock lock(mutex_);
  for (size_t i = begin; i < end; ++i) {
    size_t lone = 0, tables = 0;
    ForEachSource(found, i,
                  [&](const Source& source) { ++(source.table == Source::kLone ? lone : tables); });
    glances.push_back({found.set->IdOf(found.refs[i]), lone > 0 && tables == 0});
  }
}

std::vector<std::string> SeriesRegistry::LabelNames() const {
  ReaderLock lock(mutex_);
  std::vector<std::string> names;
  for (const std::string_view name : set_->labels().Names()) names.emplace_back(name);
  return names;
}

std::vector<std::string> SeriesRegistry::LabelValues(std::string_view name) const {
  ReaderLock lock(mutex_);
  const LabelIndex& index = set_->labels();
  std::vector<std::string> values;
  for (const LabelIndex::PairId pair : index.PairsOf(name)) {
    values.emplace_back(index.pair(pair).value);
  }
  return values;
}

// The distinct texts that `choose` picks from the labels of the series; empty is none.
template <typename Choose>
Result<std::vector<std::string>> SeriesRegistry::Collect(const Found& found, Choose choose,
                                                         const std::stop_token& stop) const {
  boost::unordered_flat_set<std::string_view> seen;
  ReaderLock lock(mutex_);
  for (size_t i = 0; i < found.refs.size(); ++i) {
    if (i % kSeriesPerStop == 0 && stop.stop_requested()) {
      return Fail(ErrorCode::kCancelled, "query was cancelled");
    }
    found.set->ForEachLabel(found.refs[i], [&](const Label& label) {
      const std::string_view text = choose(label);
      if (!text.empty()) seen.insert(text);
    });
  }
  return std::vector<std::string>(seen.begin(), seen.end());
}

Result<std::vector<std::string>> SeriesRegistry::LabelNamesOf(const Found& found,
                                                              std::stop_token stop) const {
  return Collect(found, [](const Label& label) { return label.name; }, stop);
}

Result<std::vector<std::string>> SeriesRegistry::LabelValuesOf(const Found& found,
                                                               std::string_view name,
                                                               std::stop_token stop) const {
  const auto value_of = [&](const Label& label) {
    return label.name == name ? label.value : std::string_view();
  };
  return Collect(found, value_of, stop);
}

std::vector<SeriesId> SeriesRegistry::IdsAfter(SeriesId after) const {
  std::vector<SeriesId> ids;
  ReaderLock lock(mutex_);
  for (SeriesRef ref = 0; ref < set_->size(); ++ref) {
    if (set_->IdOf(ref) > after) ids.push_back(set_->IdOf(ref));
  }
  return ids;
}

void SeriesRegistry::Visit(std::span<const SeriesId> ids,
                           const std::function<void(SeriesId, const Labels&)>& visit) const {
  ReaderLock lock(mutex_);
  for (const SeriesId id : ids) {
    if (const auto ref = set_->Find(id)) visit(id, set_->LabelsOf(*ref));
  }
}

void SeriesRegistry::VisitRange(size_t first, size_t end,
                                const std::function<void(SeriesId, const Labels&)>& visit) const {
  ReaderLock lock(mutex_);
  for (size_t ref = first; ref < std::min(end, set_->size()); ++ref) {
    const auto series = static_cast<SeriesRef>(ref);
    visit(set_->IdOf(series), set_->LabelsOf(series));
  }
}

std::vector<bool> SeriesRegistry::FindDead(
    const SeriesSet& set, SeriesId last, const std::function<bool(SeriesId, Source)>& alive) const {
  std::vector<bool> dead;
  ReaderLock lock(mutex_);
  for (SeriesRef ref = 0; ref < set.size(); ++ref) {
    bool lives = set.IdOf(ref) > last;
    set.ForEachSource(ref,
                      [&](const Source& source) { lives = lives || alive(set.IdOf(ref), source); });
    dead.push_back(!lives);
  }
  return dead;
}

size_t SeriesRegistry::Compact(SeriesId last, const std::function<bool(SeriesId, Source)>& alive,
                               size_t min_share) {
  std::shared_ptr<SeriesSet> old;
  {
    ReaderLock lock(mutex_);
    old = set_;
  }
  const std::vector<bool> dead = FindDead(*old, last, alive);
  const auto dying = static_cast<size_t>(std::ranges::count(dead, true));
  if (dying == 0 || dying * min_share < dead.size()) return 0;

  auto fresh = std::make_shared<SeriesSet>();
  const auto copied = static_cast<SeriesRef>(dead.size());
  for (SeriesRef begin = 0; begin < copied; begin += kSeriesPerTurn) {
    ReaderLock lock(mutex_);
    for (SeriesRef ref = begin; ref < std::min(copied, begin + kSeriesPerTurn); ++ref) {
      if (!dead[ref]) fresh->Insert(old->IdOf(ref), old->LabelsOf(ref));
    }
  }

  WriterLock lock(mutex_);
  for (SeriesRef ref = 0; ref < old->size(); ++ref) {
    const SeriesId id = old->IdOf(ref);
    // One that is new, or that was used again meanwhile, stays.
    const bool is_new = ref >= copied;
    old->ForEachSource(ref, [&](const Source& source) {
      if (!is_new && !alive(id, source)) return;
      if (!fresh->Find(id)) fresh->Insert(id, old->LabelsOf(ref));
      fresh->SetSource(*fresh->Find(id), source);
    });
    if (is_new && !fresh->Find(id)) fresh->Insert(id, old->LabelsOf(ref));
  }
  old->ForEachAlias([&](SeriesId alias, SeriesRef ref) {
    if (const auto kept = fresh->Find(old->IdOf(ref))) fresh->AddAlias(alias, *kept);
  });
  const size_t gone = old->size() - fresh->size();
  set_ = std::move(fresh);
  return gone;
}

}  // namespace barograph::tsdb
