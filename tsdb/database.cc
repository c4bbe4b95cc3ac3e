#include "tsdb/database.h"

#include <algorithm>
#include <optional>

#include "base/mutex.h"
#include "tsdb/head/lone_appender.h"
#include "tsdb/head/selection.h"
#include "tsdb/head/table_writer.h"
#include "tsdb/head/write_path.h"
#include "tsdb/index/series_index.h"
#include "tsdb/metrics.h"
#include "tsdb/periodic_task.h"
#include "tsdb/replay.h"
#include "tsdb/snapshot.h"
#include "tsdb/wal/log.h"
#include "tsdb/wal/record.h"

namespace barograph::tsdb {
namespace {

// What is not flushed is taken from the log again after a crash; small files are not worth having.
constexpr int kIndexTurnsPerFlush = 30;

void SortAndLimit(std::vector<std::string>& texts, size_t limit) {
  std::ranges::sort(texts);
  if (limit != 0 && texts.size() > limit) texts.resize(limit);
}

// Opens the index; one that is damaged is set aside, as the log tells the series again.
Result<std::unique_ptr<SeriesIndex>> OpenIndex(FileSystem& files, const Clock& clock,
                                               const Logger& logger, const std::string& path) {
  auto index = SeriesIndex::Open(path);
  if (index || index.error().code != ErrorCode::kCorruption) return index;
  const std::string aside = path + ".damaged-" + std::to_string(ToMs(clock.Now()));
  logger.Error("The series index is damaged; it is set aside and made again from the log",
               {{"err", index.error()}, {"kept_as", aside}});
  TRY(files.Rename(path, aside));
  return SeriesIndex::Open(path);
}

}  // namespace

struct Database::Impl {
  Impl(FileSystem& file_system, const Clock& the_clock, Logger the_logger,
       MetricsRegistry& registry, Options the_options)
      : files(file_system),
        clock(the_clock),
        logger(std::move(the_logger)),
        metrics(registry),
        options(std::move(the_options)),
        head({.lookup = [this](const Labels& labels) { return LookUp(labels); },
              .created = [this](SeriesId id, std::string_view packed) { Created(id, packed); }},
             options.max_series, metrics) {}

  Status Open();
  Status ReplayLog();
  void StartTasks();
  Status Close();
  Status FlushLog();

  SeriesId LookUp(const Labels& labels) const;
  void Created(SeriesId id, std::string_view packed);
  void QueueReplayedSeries();
  Status WriteIndex();
  std::string WalPath() const { return options.path + "/wal"; }

  FileSystem& files;
  const Clock& clock;
  const Logger logger;
  Metrics metrics;
  const Options options;

  std::unique_ptr<FileLock> lock;
  std::unique_ptr<SeriesIndex> index;
  Head head;
  std::unique_ptr<wal::Log> log;
  std::optional<WritePath> path;
  std::atomic<uint64_t> next_table = 1;
  std::atomic<bool> closed = false;

  Mutex unindexed_mutex;
  std::vector<SeriesIndex::Entry> unindexed GUARDED_BY(unindexed_mutex);
  Mutex write_index_mutex;  // one writer of the index at a time

  std::optional<PeriodicTask> sync_task, index_task;  // last: they use all of the above
};

Status Database::Impl::Open() {
  TRY(files.CreateDirectories(WalPath()));
  if (!options.no_lockfile) {
    auto taken = files.Lock(options.path + "/lock");
    if (!taken) {
      return std::unexpected(
          Annotate(std::move(taken).error(), "the storage in " + options.path + " is in use"));
    }
    lock = std::move(*taken);
  }
  const std::string index_path =
      options.index_path.empty() ? options.path + "/index" : options.index_path;
  index = TRY(OpenIndex(files, clock, logger, index_path));
  head.registry.ReserveIds(TRY(index->LastId()));
  TRY(ReplayLog());
  StartTasks();
  return {};
}

Status Database::Impl::ReplayLog() {
  const auto begin = clock.Monotonic();
  const auto find_labels = [this](SeriesId id) -> std::optional<Labels> {
    auto found = index->LabelsOf(id);
    return found ? std::move(*found) : std::nullopt;
  };
  Replay replay(files, WalPath(), head, metrics, logger, find_labels);
  const Replay::Outcome outcome = TRY(replay.Run());
  next_table = outcome.next_table;
  QueueReplayedSeries();
  log = TRY(wal::Log::Open(files, clock, logger, metrics,
                           {.directory = WalPath(), .segment_bytes = options.wal_segment_bytes},
                           outcome.start));
  path.emplace(head, *log, metrics, clock,
               WritePath::Options{.wait_for_fsync = options.wal_fsync == WalFsync::kAlways,
                                  .append_window = options.append_window,
                                  .out_of_order_window = options.out_of_order_window});
  const std::chrono::duration<double> took = clock.Monotonic() - begin;
  metrics.replay_seconds.Set(took.count());
  metrics.head_series.Set(static_cast<double>(head.registry.size()));
  logger.Info("The write-ahead log was replayed", {{"duration", took.count()},
                                                   {"bytes", outcome.bytes},
                                                   {"records", outcome.records},
                                                   {"series", head.registry.size()}});
  return {};
}

void Database::Impl::StartTasks() {
  if (options.wal_fsync == WalFsync::kInterval) {
    // A failure is logged by the log, once, and told to everyone who appends from then on.
    sync_task.emplace(options.fsync_interval, [this] { (void)log->Sync(); });
  }
  index_task.emplace(options.index_interval, [this, turn = 0]() mutable {
    Status written = WriteIndex();
    if (written && ++turn % kIndexTurnsPerFlush == 0) written = index->Flush();
    if (!written) {
      logger.Error("Series could not be written to the index", {{"err", written.error()}});
    }
  });
}

Status Database::Impl::Close() {
  if (closed.exchange(true)) return {};
  sync_task.reset();
  index_task.reset();
  Status flushed = FlushLog();
  Status indexed = WriteIndex();
  if (indexed) indexed = index->Flush();
  lock.reset();
  return flushed ? indexed : flushed;
}

// Series that no row used yet are part of it.
Status Database::Impl::FlushLog() {
  const auto appended = log->Append({});
  const Status closed_log = log->Close();
  return appended ? closed_log : std::unexpected(appended.error());
}

SeriesId Database::Impl::LookUp(const Labels& labels) const {
  const auto found = index->Find(labels);
  if (found) return *found;
  // The series gets a new id then: its older samples are found by its labels all the same.
  logger.Error("A series could not be looked up in the index", {{"err", found.error()}});
  return kNoSeries;
}

void Database::Impl::Created(SeriesId id, std::string_view packed) {
  log->QueueSeries(id, packed);
  metrics.head_series.Increment();
  metrics.series_created.Increment();
  MutexLock guard(unindexed_mutex);
  unindexed.push_back({id, std::string(packed)});
}

// Series that the log defines, and that a crash kept from the index.
void Database::Impl::QueueReplayedSeries() {
  const auto indexed = index->LastId();
  for (SeriesRef ref = 0; ref < head.registry.size(); ++ref) {
    const SeriesId id = head.registry.IdOf(ref);
    if (indexed && id <= *indexed) continue;
    MutexLock guard(unindexed_mutex);
    unindexed.push_back({id, std::string(head.registry.LabelsOf(ref).packed())});
  }
}

Status Database::Impl::WriteIndex() {
  MutexLock writing(write_index_mutex);
  std::vector<SeriesIndex::Entry> entries;
  {
    MutexLock guard(unindexed_mutex);
    entries.swap(unindexed);
  }
  Status written = index->Put(entries);
  if (!written) {
    MutexLock guard(unindexed_mutex);
    unindexed.insert(unindexed.begin(), entries.begin(), entries.end());
  }
  return written;
}

Result<std::unique_ptr<Database>> Database::Open(FileSystem& files, const Clock& clock,
                                                 Logger logger, MetricsRegistry& metrics,
                                                 Options options) {
  auto impl = std::make_unique<Impl>(files, clock, logger.With({{"component", "tsdb"}}), metrics,
                                     std::move(options));
  TRY(impl->Open());
  return std::unique_ptr<Database>(new Database(std::move(impl)));
}

Database::Database(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Database::~Database() {
  if (Status closed = Close(); !closed) {
    impl_->logger.Error("The storage could not be closed cleanly", {{"err", closed.error()}});
  }
}

Status Database::Close() { return impl_->Close(); }
Status Database::Sync() { return impl_->log->Sync(); }

Result<std::unique_ptr<ScrapeTable>> Database::OpenTable() {
  if (impl_->closed) return Fail(ErrorCode::kUnavailable, "the storage is closed");
  return std::unique_ptr<ScrapeTable>(
      std::make_unique<TableWriter>(*impl_->path, impl_->next_table.fetch_add(1)));
}

std::unique_ptr<Appender> Database::NewAppender() {
  return std::make_unique<LoneAppender>(*impl_->path);
}

Result<std::unique_ptr<Selection>> Database::Select(TimeRange range, const Matchers& matchers,
                                                    const SelectHints&,
                                                    std::stop_token stop) const {
  return SelectFromHead(impl_->head, range, matchers, std::move(stop));
}

Result<std::vector<std::string>> Database::LabelNames(const LabelQuery& query,
                                                      std::stop_token stop) const {
  const SeriesRegistry& registry = impl_->head.registry;
  std::vector<std::string> names;
  if (!query.matchers.empty()) {
    const auto refs = TRY(MatchInHead(impl_->head, query.range, query.matchers, stop));
    names = TRY(registry.LabelNamesOf(refs, std::move(stop)));
  } else if (impl_->head.range().Overlaps(query.range)) {
    names = registry.LabelNames();
  }
  SortAndLimit(names, query.limit);
  return names;
}

Result<std::vector<std::string>> Database::LabelValues(const std::string& name,
                                                       const LabelQuery& query,
                                                       std::stop_token stop) const {
  const SeriesRegistry& registry = impl_->head.registry;
  std::vector<std::string> values;
  if (!query.matchers.empty()) {
    const auto refs = TRY(MatchInHead(impl_->head, query.range, query.matchers, stop));
    values = TRY(registry.LabelValuesOf(refs, name, std::move(stop)));
  } else if (impl_->head.range().Overlaps(query.range)) {
    values = registry.LabelValues(name);
  }
  SortAndLimit(values, query.limit);
  return values;
}

Result<std::vector<Labels>> Database::Series(const LabelQuery& query, std::stop_token stop) const {
  const auto refs = TRY(MatchInHead(impl_->head, query.range, query.matchers, stop));
  std::vector<Labels> series;
  series.reserve(refs.size());
  for (const SeriesRef ref : refs) {
    if (series.size() % 1024 == 0 && stop.stop_requested()) {
      return Fail(ErrorCode::kCancelled, "query was cancelled");
    }
    series.push_back(impl_->head.registry.LabelsOf(ref));
  }
  std::ranges::sort(series);
  if (query.limit != 0 && series.size() > query.limit) series.resize(query.limit);
  return series;
}

Status Database::DeleteSeries(TimeRange range, const Matchers& matchers) {
  Head& head = impl_->head;
  // What is there now, and nothing that comes later.
  range.max = std::min(range.max, head.range().max);
  if (range.min > range.max) return {};
  const std::vector<SeriesRef> refs = TRY(MatchInHead(head, range, matchers, {}));
  if (refs.empty()) return {};
  std::string payload;
  for (const SeriesRef ref : refs) {
    wal::AppendDeletion(payload, {head.registry.IdOf(ref), range});
  }
  TRY(impl_->path->Log({{{wal::RecordType::kDeletions, payload}}}));
  for (const SeriesRef ref : refs) head.tombstones.Add(ref, range);
  return {};
}

Status Database::CleanTombstones() { return {}; }

Result<std::string> Database::Snapshot(bool skip_head) {
  const Impl& impl = *impl_;
  if (!skip_head) {
    TRY(impl.log->Append({}));  // series that no row used yet
    TRY(impl.log->Sync());
  }
  std::string name = SnapshotName(impl.clock.Now());
  const std::string target = impl.options.path + "/snapshots/" + name;
  TRY(impl.files.CreateDirectories(target + "/wal"));
  if (!skip_head) TRY(CopyLog(impl.files, impl.WalPath(), target + "/wal"));
  return name;
}

}  // namespace barograph::tsdb
