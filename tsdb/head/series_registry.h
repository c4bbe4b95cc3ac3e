#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/model/labels.h"
#include "base/model/matcher.h"
#include "base/model/sample.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/storage/statistics.h"
#include "tsdb/head/series_set.h"

namespace barograph::tsdb {

/// The series of the head: their labels, their ids, the places that hold their samples, and the
/// postings that find them. Ids are dense and never given twice. Series without samples in the
/// head leave it by Compact.
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
    /// Asked before a series is made that the head does not have; an error refuses it.
    std::function<Status()> admit = {};
  };

  SeriesRegistry(size_t max_series, Hooks hooks);

  /// The series with these labels, new when there is none. LimitExceeded when there may be no more.
  Result<SeriesId> GetOrCreate(const Labels& labels);

  /// Puts a series in place under the id it had. Where the labels have another id already, `id`
  /// becomes another name of that series. LimitExceeded as above, but not for max_series.
  Status Restore(SeriesId id, const Labels& labels);

  /// Calls write(bytes) with what Load wants, piece by piece (tsdb/head/series_dump.h). Series that
  /// come meanwhile may be in it or not.
  Status Dump(const std::function<Status(std::string_view)>& write) const;

  /// Takes over what Dump wrote, sources apart. Corruption when the bytes are something else; then
  /// nothing has changed. Precondition: nothing is in the registry yet.
  Status Load(std::string_view dump);

  /// Ids up to `id` are never given again.
  void ReserveIds(SeriesId id);

  /// The id that the series goes by, of which `id` may be another name; nullopt when the head does
  /// not have it.
  std::optional<SeriesId> Find(SeriesId id) const;
  /// The same for many at once: puts in place of each id what its series goes by. The indexes of
  /// those that the head does not have, which stay.
  std::vector<size_t> FindAll(std::span<SeriesId> ids) const;

  std::optional<Labels> LabelsOf(SeriesId id) const;
  size_t size() const;

  /// Sets the series' column in that table: adds a source, or moves the one it has. False when the
  /// head does not have the series.
  bool SetSource(SeriesId id, Source source);

  /// The same for all columns of a table at once; appends the series that the head does not have
  /// to `missing`.
  void AddSources(uint32_t table, std::span<const SeriesId> columns,
                  std::vector<SeriesId>& missing);
  std::optional<ColumnId> ColumnIn(SeriesId id, uint32_t table) const;
  std::vector<Source> SourcesOf(SeriesId id) const;

  /// What Match found. Refs mean something together with their set only.
  struct Found {
    std::shared_ptr<const SeriesSet> set;
    std::vector<SeriesRef> refs;  ///< ascending
  };

  /// Series that match all matchers. An empty list of matchers is all series.
  Result<Found> Match(const Matchers& matchers, std::stop_token stop) const;

  /// What a glance at a series tells.
  struct Glance {
    SeriesId id;
    bool only_lone;  ///< no table has samples of it
  };

  // Of series that Match found.
  /// Of those with index [begin, end), in place of what `glances` had.
  void GlanceAt(const Found& found, size_t begin, size_t end, std::vector<Glance>& glances) const;
  Labels LabelsOf(const SeriesSet& set, SeriesRef ref) const;
  Labels LabelsOf(const SeriesSet& set, SeriesRef ref, std::span<const std::string> names) const;
  void SourcesOf(const Found& found, size_t index, std::vector<Source>& out) const;

  /// All names, or the values of one, of all series; unsorted.
  std::vector<std::string> LabelNames() const;
  std::vector<std::string> LabelValues(std::string_view name) const;

  /// The same of the given series; unique.
  Result<std::vector<std::string>> LabelNamesOf(const Found& found, std::stop_token stop) const;
  Result<std::vector<std::string>> LabelValuesOf(const Found& found, std::string_view name,
                                                 std::stop_token stop) const;

  /// As CountSeries (tsdb/head/statistics.h).
  HeadStatistics Count(size_t limit) const;

  std::vector<SeriesId> IdsAfter(SeriesId after) const;

  /// Calls visit(SeriesId, labels) for those of the series that are here.
  void Visit(std::span<const SeriesId> ids,
             const std::function<void(SeriesId, const Labels&)>& visit) const;

  /// The same for those that came as the first to the last but one, in a count that begins anew
  /// when series leave.
  void VisitRange(size_t first, size_t end,
                  const std::function<void(SeriesId, const Labels&)>& visit) const;

  /// Restores some `count` series under one lock: calls `each` with what to restore one with.
  using Add = std::function<Status(SeriesId, const Labels&)>;
  Status RestoreAll(size_t count, const std::function<Status(const Add&)>& each);

  /// Forgets the sources for which `alive` says no, the series that have none left, and the label
  /// texts that only those had; how many series went. Does nothing unless at least one in
  /// `min_share` would go. Appends go on meanwhile, but for a moment at the end. One call at a
  /// time. `alive` must not call the registry.
  ///
  /// Series above `last` stay: `lookup` must know all others, or one that comes back would get a
  /// second id.
  size_t Compact(SeriesId last, const std::function<bool(SeriesId, Source)>& alive,
                 size_t min_share = 8);

 private:
  template <typename Visit>
  void ForEachSource(const Found& found, size_t index, Visit visit) const REQUIRES_SHARED(mutex_);
  std::vector<bool> FindDead(const SeriesSet& set, SeriesId last,
                             const std::function<bool(SeriesId, Source)>& alive) const;
  Status CheckRoom() const REQUIRES_SHARED(mutex_);
  Status RestoreLocked(SeriesId id, const Labels& labels) REQUIRES(mutex_);
  template <typename Choose>
  Result<std::vector<std::string>> Collect(const Found& found, Choose choose,
                                           const std::stop_token& stop) const;

  const size_t max_series_;
  const Hooks hooks_;

  mutable SharedMutex mutex_;
  std::shared_ptr<SeriesSet> set_ GUARDED_BY(mutex_);  // what it holds is guarded as well
  uint64_t last_id_ GUARDED_BY(mutex_) = 0;
};

}  // namespace barograph::tsdb
