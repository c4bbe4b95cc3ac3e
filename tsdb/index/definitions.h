#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string_view>

#include "base/model/labels.h"
#include "base/model/sample.h"
#include "base/result.h"
#include "tsdb/index/store.h"

/// Which labels an id stands for, and back.
namespace barograph::tsdb::index {

/// Walks the definitions, ids ascending. Not thread-safe; sees what there was when it was made.
class DefinitionCursor {
 public:
  explicit DefinitionCursor(const Store& store, const rocksdb::ReadOptions& options = {})
      : store_(store), at_(store.NewIterator(Family::kSeries, options)) {}

  /// Goes to the first series from `id` on, or to the next; false at the end.
  Result<bool> Seek(SeriesId id);
  Result<bool> Next();

  /// As Seek, cheap when `id` is near. Preconditions: there was a Seek, and `id` is not behind.
  Result<bool> MoveTo(SeriesId id);

  SeriesId id() const { return id_; }
  std::string_view labels() const { return at_->value().ToStringView(); }

 private:
  Result<bool> Load();

  const Store& store_;
  const std::unique_ptr<rocksdb::Iterator> at_;
  SeriesId id_ = kNoSeries;
};

/// SeriesIndex has functions of the same names, which say more.
Result<SeriesId> FindSeries(const Store& store, const Labels& labels);
Result<std::optional<Labels>> LabelsOf(const Store& store, SeriesId id);
Status ReadLabels(const Store& store, std::span<const SeriesId> ids,
                  const std::function<void(size_t, std::string_view)>& visit,
                  const std::stop_token& stop, const rocksdb::ReadOptions& options = {});
Status ForEachSeries(const Store& store,
                     const std::function<void(SeriesId, std::string_view)>& visit,
                     const std::stop_token& stop);

Result<SeriesId> LoadLastId(const Store& store);
/// `last` is the highest id so far.
Status PutSeries(Store& store, std::span<const SeriesIndex::Entry> entries, SeriesId last);
/// A definition that is to go.
Status DeleteSeries(BatchWriter& writer, SeriesId id, std::string_view packed_labels);

std::unexpected<Error> Cancelled();

}  // namespace barograph::tsdb::index
