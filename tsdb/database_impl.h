#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "tsdb/compactor.h"
#include "tsdb/database.h"
#include "tsdb/engine_parts.h"
#include "tsdb/exemplars/exemplar_store.h"
#include "tsdb/head/registry_file.h"
#include "tsdb/head/write_path.h"
#include "tsdb/head_cutter.h"
#include "tsdb/index/series_index.h"
#include "tsdb/log_cutter.h"
#include "tsdb/metrics.h"
#include "tsdb/periodic_task.h"
#include "tsdb/wal/log.h"

namespace barograph::tsdb {

/// What a database is made of. It is opened in database_open.cc and works in database.cc.
struct Database::Impl {
  Impl(FileSystem& file_system, const Clock& the_clock, Logger the_logger,
       MetricsRegistry& registry, Options the_options)
      : files(file_system),
        clock(the_clock),
        logger(std::move(the_logger)),
        metrics(registry),
        options(std::move(the_options)),
        head({.lookup = [this](const Labels& labels) { return LookUp(labels); },
              .created = [this](SeriesId id, std::string_view packed) { Created(id, packed); },
              .admit = [this] { return AdmitSeries(); }},
             options.max_series, metrics),
        registry_file(files, HeadPath(), logger, head.registry),
        retention(options.retention) {}

  Status Open();
  Result<HeadCut> LoadHeadCut();
  void BeginHeadCut();
  Status OpenIndexAndFiles(const HeadCut& cut);
  void NoteIndexDamage(const Error& error);
  Status OpenHead();
  Result<bool> RestoreSeries();
  void AddFileSources(std::vector<SeriesId>& missing);
  Status ReadFromIndex(std::span<const SeriesId> ids);
  Status ReplayLog();
  Status OpenExemplars();
  Status LoadTheBlocks();
  void StartMaintaining();
  void StartTasks();
  Status Close();
  Status FlushLog();

  Status Maintain(std::stop_token stop, Timestamp cut_until = kMaxTimestamp);
  std::optional<Timestamp> BacklogEnd(ChangeMark& seen);
  Status CutHead(Timestamp until, const std::stop_token& stop) REQUIRES(maintenance_mutex);
  Status RemoveStrays() REQUIRES(maintenance_mutex);
  Status Retain() REQUIRES(maintenance_mutex);
  void SealOrphans() REQUIRES(maintenance_mutex);
  void ReleaseFiles() const;
  uint64_t LargestSize(const Retention& keep);
  Result<uint64_t> BytesBesideBlocks() const;
  Status DeleteSeries(TimeRange range, const Matchers& matchers);
  Result<std::string> Snapshot(bool skip_head);
  Result<std::vector<std::shared_ptr<const Block>>> WriteHeadBlocks(const std::string& directory)
      REQUIRES(maintenance_mutex);

  SeriesId LookUp(const Labels& labels) const;
  std::optional<Labels> LabelsInIndex(SeriesId id) const;
  void Created(SeriesId id, std::string_view packed);
  Status AdmitSeries();
  void QueueReplayedSeries();
  Status WriteIndex();
  Status PutInIndex(std::span<const SeriesId> ids);
  std::string WalPath() const { return options.path + "/wal"; }
  std::string HeadPath() const { return options.path + "/head"; }
  std::string BlocksPath() const { return options.path + "/blocks"; }
  std::string ExemplarsPath() const { return options.path + "/exemplars"; }
  std::string IndexPath() const {
    return options.index_path.empty() ? options.path + "/index" : options.index_path;
  }

  FileSystem& files;
  const Clock& clock;
  const Logger logger;
  Metrics metrics;
  const Options options;

  std::unique_ptr<FileLock> lock;
  std::unique_ptr<SeriesIndex> index;
  bool index_is_new = false;  // when the database was opened
  std::atomic<bool> index_damage_told = false;
  HeadCut head_cut;  // the same
  Head head;
  RegistryFile registry_file;
  std::unique_ptr<wal::Log> log;
  std::optional<WritePath> path;
  std::unique_ptr<ExemplarStore> exemplars;
  CurrentView view;
  std::atomic<uint64_t> next_table = 1;
  std::atomic<bool> closed = false;

  Mutex unindexed_mutex;
  std::vector<SeriesId> unindexed GUARDED_BY(unindexed_mutex);
  Mutex write_index_mutex;  // one writer of the index at a time

  Mutex maintenance_mutex;  // who changes what is in blocks
  std::optional<HeadCutter> cutter GUARDED_BY(maintenance_mutex);
  std::optional<Compactor> compactor GUARDED_BY(maintenance_mutex);
  std::optional<LogCutter> log_cutter GUARDED_BY(maintenance_mutex);
  Mutex retention_mutex;
  Retention retention GUARDED_BY(retention_mutex);

  // Last: they use all of the above.
  std::stop_source stopping;
  std::optional<PeriodicTask> sync_task, index_task, maintenance_task;
};

}  // namespace barograph::tsdb
