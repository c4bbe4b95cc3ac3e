#include "tsdb/index/definitions.h"

#include <algorithm>
#include <string>
#include <vector>

#include "tsdb/index/keys.h"

namespace barograph::tsdb::index {
namespace {

constexpr std::string_view kLastIdKey = "last_id";
constexpr size_t kSeriesPerStop = 1024;
// A gap that is walked through rather than jumped over. Measured with bench/index_bench.cc.
constexpr uint64_t kMaxSteps = 24;

uint64_t HashOf(std::string_view packed_labels) {
  return Labels::FromPacked(std::string(packed_labels)).Hash();
}

std::unexpected<Error> DamagedLabels(const Store& store, SeriesId id) {
  return store.Damaged("the labels of series " + std::to_string(static_cast<uint64_t>(id)) +
                       " are damaged");
}

}  // namespace

std::unexpected<Error> Cancelled() { return Fail(ErrorCode::kCancelled, "query was cancelled"); }

Result<bool> DefinitionCursor::Seek(SeriesId id) {
  at_->Seek(SeriesKey(id));
  return Load();
}

Result<bool> DefinitionCursor::Next() {
  at_->Next();
  return Load();
}

Result<bool> DefinitionCursor::MoveTo(SeriesId id) {
  if (!at_->Valid() || static_cast<uint64_t>(id) - static_cast<uint64_t>(id_) > kMaxSteps) {
    return Seek(id);
  }
  while (id_ < id) {
    if (!TRY(Next())) return false;
  }
  return true;
}

Result<bool> DefinitionCursor::Load() {
  if (!at_->Valid()) {
    TRY(store_.Check(at_->status()));
    return false;
  }
  const std::optional<SeriesId> id = ParseSeriesKey(at_->key().ToStringView());
  if (!id) return store_.Damaged("a series has no id");
  id_ = *id;
  if (!Labels::Validate(labels())) return DamagedLabels(store_, id_);
  return true;
}

Result<SeriesId> FindSeries(const Store& store, const Labels& labels) {
  const std::string prefix = IdKeyPrefix(labels.Hash());
  rocksdb::ReadOptions options;
  options.prefix_same_as_start = true;
  const auto at = store.NewIterator(Family::kIds, options);
  for (at->Seek(prefix); at->Valid(); at->Next()) {
    const std::optional<SeriesId> id = ParseIdKey(at->key().ToStringView());
    if (!id) return store.Damaged("an id is damaged");
    const std::optional<Labels> found = TRY(LabelsOf(store, *id));
    if (found && *found == labels) return *id;
  }
  TRY(store.Check(at->status()));
  return kNoSeries;
}

Result<std::optional<Labels>> LabelsOf(const Store& store, SeriesId id) {
  std::optional<std::string> packed = TRY(store.Get(Family::kSeries, SeriesKey(id)));
  if (!packed) return std::optional<Labels>();
  if (!Labels::Validate(*packed)) return DamagedLabels(store, id);
  return std::optional(Labels::FromPacked(std::move(*packed)));
}

Status ReadLabels(const Store& store, std::span<const SeriesId> ids,
                  const std::function<void(size_t, std::string_view)>& visit,
                  const std::stop_token& stop, const rocksdb::ReadOptions& options) {
  if (ids.empty()) return {};  // as most queries have none: a cursor costs them more than the rest
  DefinitionCursor at(store, options);
  for (size_t i = 0; i < ids.size(); ++i) {
    if (i % kSeriesPerStop == 0 && stop.stop_requested()) return Cancelled();
    if (!TRY(i == 0 ? at.Seek(ids[i]) : at.MoveTo(ids[i]))) return {};
    if (at.id() == ids[i]) visit(i, at.labels());
  }
  return {};
}

Status ForEachSeries(const Store& store,
                     const std::function<void(SeriesId, std::string_view)>& visit,
                     const std::stop_token& stop) {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  DefinitionCursor at(store, options);
  size_t seen = 0;
  for (bool more = TRY(at.Seek(kNoSeries)); more; more = TRY(at.Next())) {
    if (++seen % kSeriesPerStop == 0 && stop.stop_requested()) return Cancelled();
    visit(at.id(), at.labels());
  }
  return {};
}

Result<SeriesId> LoadLastId(const Store& store) {
  const std::optional<std::string> value = TRY(store.Get(Family::kState, kLastIdKey));
  if (!value) return kNoSeries;
  const std::optional<uint64_t> id = ParseBigEndian(*value);
  if (!id) return store.Damaged("the last id is damaged");
  return SeriesId{*id};
}

Status PutSeries(Store& store, std::span<const SeriesIndex::Entry> entries, SeriesId last) {
  BatchWriter writer(store);
  std::vector<std::string> id_keys;
  const auto finish = [&]() -> Status {
    // Hashes fall anywhere. In order, each is put near the one before: half the work.
    std::ranges::sort(id_keys);
    for (const std::string& key : id_keys) TRY(writer.Put(Family::kIds, key, {}));
    id_keys.clear();
    TRY(writer.Put(Family::kState, kLastIdKey, BigEndian(static_cast<uint64_t>(last))));
    return writer.Finish();
  };
  for (const SeriesIndex::Entry& entry : entries) {
    TRY(writer.Put(Family::kSeries, SeriesKey(entry.id), entry.packed_labels));
    id_keys.push_back(IdKey(HashOf(entry.packed_labels), entry.id));
    last = std::max(last, entry.id);
    if (writer.full()) TRY(finish());
  }
  return finish();
}

Status DeleteSeries(BatchWriter& writer, SeriesId id, std::string_view packed_labels) {
  TRY(writer.Delete(Family::kIds, IdKey(HashOf(packed_labels), id)));
  return writer.Delete(Family::kSeries, SeriesKey(id));
}

}  // namespace barograph::tsdb::index
