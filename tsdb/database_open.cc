#include <algorithm>
#include <thread>

#include "base/freed_memory.h"
#include "base/io_priority.h"
#include "tsdb/block_folder.h"
#include "tsdb/database_impl.h"
#include "tsdb/index_opening.h"
#include "tsdb/replay.h"
#include "tsdb/start_stream.h"

/// How a database opens: blocks, index, the head's files, and what the log has beyond them.
namespace barograph::tsdb {
namespace {

// What is not flushed is taken from the log again after a crash; small files are not worth having.
constexpr int kIndexTurnsPerFlush = 30;

constexpr int64_t kMostLooksPerMaintenance = 60;

}  // namespace

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
  TRY(LoadTheBlocks());
  TRY(OpenHead());
  TRY(OpenExemplars());
  ReleaseFiles();
  StartMaintaining();
  StartTasks();
  return {};
}

Status Database::Impl::OpenHead() {
  const HeadCut cut = TRY(LoadHeadCut());
  head_cut = cut;
  View with_head = *view.Get();
  with_head.head = {.tables_from = cut.tables_from, .lone_from = 0};
  view.Set(std::move(with_head));
  TRY(OpenIndexAndFiles(cut));
  BeginHeadCut();
  const bool found_all = TRY(RestoreSeries());
  TRY(ReplayLog());
  if (!found_all) {
    std::vector<SeriesId> lost;
    AddFileSources(lost);
  }
  {
    WriterLock guard(path->cut_mutex);
    path->cut = cut.tables_from;
  }
  head.NoteBounds(view.Get()->head);
  return {};
}

// Without the cut all of the head's files are looked at. What blocks have as well is read once all
// the same; but where it was deleted there, it is back until the next cut.
Result<HeadCut> Database::Impl::LoadHeadCut() {
  const std::string file = HeadPath() + "/cut";
  constexpr std::string_view kWhatFollows =
      "The file that tells what of the head is in blocks is damaged or missing: samples that were "
      "deleted there may be shown again";
  auto cut = LoadCut(files, HeadPath());
  if (cut) {
    if (!files.Exists(file) && !view.Get()->blocks.empty() &&
        TRY(files.BytesBelow(HeadPath())) > 0) {
      metrics.head_damages.Increment();
      logger.Error(kWhatFollows, {{"file", file}});
    }
    return cut;
  }
  if (cut.error().code != ErrorCode::kCorruption) return cut;
  const std::string aside = file + ".damaged";
  metrics.head_damages.Increment();
  logger.Error(kWhatFollows, {{"err", cut.error()}, {"kept_as", aside}});
  TRY(files.Rename(file, aside));
  return HeadCut();
}

// From the first start on there is one, so that one that is missing is known to be.
void Database::Impl::BeginHeadCut() {
  if (files.Exists(HeadPath() + "/cut")) return;
  const Status saved = SaveCut(files, HeadPath(), head_cut);
  if (!saved)
    logger.Warn("The file of the head's cut could not be begun", {{"err", saved.error()}});
}

// The series are loaded meanwhile.
Status Database::Impl::OpenIndexAndFiles(const HeadCut& cut) {
  const std::jthread loading([this] { registry_file.Load(); });
  OpenedIndex opened =
      TRY(OpenIndex(IndexPath(), options.index, view.Get()->blocks, clock, logger, metrics));
  index = std::move(opened.index);
  index_is_new = opened.is_new;
  index->OnDamage([this](const Error& error) { NoteIndexDamage(error); });
  return head.OpenFiles(files, HeadPath(), logger, cut.lone_files);
}

// Once: every query may come upon it.
void Database::Impl::NoteIndexDamage(const Error& error) {
  metrics.index_damages.Increment();
  if (index_damage_told.exchange(true)) return;
  logger.Error(
      "The series index is damaged: queries that need what is damaged fail, and new series may not "
      "be written to it; a restart makes it anew from the blocks",
      {{"err", error}});
}

Status Database::Impl::OpenExemplars() {
  const auto find_labels = [this](SeriesId id) {
    auto labels = head.registry.LabelsOf(id);
    return labels ? labels : LabelsInIndex(id);
  };
  exemplars = TRY(ExemplarStore::Open(files, clock, logger, metrics,
                                      {.directory = ExemplarsPath(),
                                       .capacity = options.max_exemplars,
                                       .wait_for_fsync = options.wal_fsync == WalFsync::kAlways},
                                      find_labels));
  exemplars->SetOutOfOrderWindow(options.out_of_order_window.value_or(Duration(0)));
  return {};
}

Status Database::Impl::LoadTheBlocks() {
  LoadedBlocks loaded = TRY(LoadBlocks(files, BlocksPath(), logger));
  metrics.blocks_loaded.Set(static_cast<double>(loaded.blocks.size()));
  metrics.blocks_damaged.Set(static_cast<double>(loaded.damaged));
  View with_blocks = *view.Get();
  with_blocks.blocks = std::move(loaded.blocks);
  view.Set(std::move(with_blocks));
  return {};
}

void Database::Impl::StartMaintaining() {
  const EngineParts parts{.files = files,
                          .clock = clock,
                          .logger = logger,
                          .metrics = metrics,
                          .options = options,
                          .head = head,
                          .index = *index,
                          .path = *path,
                          .view = view,
                          .registry_file = registry_file,
                          .write_index = [this] { return WriteIndex(); }};
  MutexLock guard(maintenance_mutex);
  cutter.emplace(parts, head_cut);
  compactor.emplace(parts);
  log_cutter.emplace(parts);
}

// The sources of the series that the head's files hold, and those series that the registry's file
// lacks. Whether all are found; one that the index does not know either is told by the log, or
// lost.
Result<bool> Database::Impl::RestoreSeries() {
  head.registry.ReserveIds(TRY(index->LastId()));
  std::vector<SeriesId> missing;
  AddFileSources(missing);
  if (missing.empty()) return true;
  std::ranges::sort(missing);
  missing.erase(std::ranges::unique(missing).begin(), missing.end());
  // Also where the index was lost: what is in the files must not become another series'.
  head.registry.ReserveIds(missing.back());
  TRY(ReadFromIndex(missing));
  missing.clear();
  AddFileSources(missing);
  return missing.empty();
}

// Appends the series that the head does not have to `missing`.
void Database::Impl::AddFileSources(std::vector<SeriesId>& missing) {
  for (const auto& [number, table] : head.NumberedTables()) {
    for (const auto& columns : table->ColumnSets()) {
      head.registry.AddSources(number, *columns, missing);
    }
  }
  for (const SeriesId id : head.lone.Series()) {
    if (IsStartStream(id)) continue;
    if (!head.registry.SetSource(id, {Source::kLone, 0})) missing.push_back(id);
  }
}

// Precondition: `ids` ascend.
Status Database::Impl::ReadFromIndex(std::span<const SeriesId> ids) {
  const auto read_all = [&](const SeriesRegistry::Add& add) -> Status {
    Status added;
    TRY(index->ReadLabels(ids,
                          [&](size_t i, std::string_view packed) {
                            if (added) added = add(ids[i], Labels::FromPacked(std::string(packed)));
                          },
                          {}));
    return added;
  };
  return head.registry.RestoreAll(ids.size(), read_all);
}

Status Database::Impl::ReplayLog() {
  const auto begin = clock.Monotonic();
  const auto find_labels = [this](SeriesId id) { return LabelsInIndex(id); };
  Replay replay(files, WalPath(), head, metrics, logger, find_labels);
  const Replay::Outcome outcome = TRY(replay.Run());
  next_table = std::max(outcome.next_table, head.LastRestoredTable() + 1);
  QueueReplayedSeries();
  log = TRY(wal::Log::Open(files, clock, logger, metrics.OfLog(),
                           {.directory = WalPath(), .segment_bytes = options.wal_segment_bytes},
                           outcome.start));
  path.emplace(head, *log, metrics, clock,
               WritePath::Options{.wait_for_fsync = options.wal_fsync == WalFsync::kAlways,
                                  .store_starts = options.store_start_timestamps,
                                  .zeros_at_starts = options.zeros_at_start_timestamps,
                                  .oldest_zero = options.min_block_duration / 2},
               find_labels);
  path->SetOutOfOrderWindow(options.out_of_order_window);
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
    sync_task.emplace(options.fsync_interval, [this] {
      (void)log->Sync();
      (void)exemplars->Sync();
    });
  }
  index_task.emplace(options.index_interval, [this, turn = 0]() mutable {
    Status written = WriteIndex();
    if (written) written = registry_file.SaveWhenMuchIsNew();
    if (written && ++turn % kIndexTurnsPerFlush == 0) written = index->Flush();
    if (!written) {
      logger.Error("Series could not be written to the index", {{"err", written.error()}});
    }
    ReturnFreedMemory();
  });
  // Between its turns it is looked each second whether the head is far behind.
  const int64_t looks = std::clamp<int64_t>(options.maintenance_interval / std::chrono::seconds(1),
                                            1, kMostLooksPerMaintenance);
  const auto maintain = [this, looks, turn = int64_t{0}, failed = false,
                         seen = ChangeMark()]() mutable {
    turn = (turn + 1) % looks;
    const auto cut_until = turn == 0 ? kMaxTimestamp : failed ? std::nullopt : BacklogEnd(seen);
    if (!cut_until) return;
    const Status done = Maintain(stopping.get_token(), *cut_until);
    failed = !done;
    if (failed) {
      logger.Error("The storage's maintenance failed and is tried again", {{"err", done.error()}});
    }
  };
  maintenance_task.emplace(options.maintenance_interval / looks, maintain, LowerIoPriority);
}

}  // namespace barograph::tsdb
