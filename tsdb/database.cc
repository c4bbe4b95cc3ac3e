#include "tsdb/database_impl.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/freed_memory.h"
#include "tsdb/block/block_data.h"
#include "tsdb/block/block_files.h"
#include "tsdb/head/lone_appender.h"
#include "tsdb/head/selection.h"
#include "tsdb/head/table_writer.h"
#include "tsdb/head_block.h"
#include "tsdb/label_queries.h"
#include "tsdb/merged_selection.h"
#include "tsdb/snapshot.h"
#include "tsdb/wal/record.h"
#include "tsdb/windows.h"

namespace barograph::tsdb {
namespace {

constexpr size_t kSeriesPerIndexWrite = 16384;

}  // namespace

Status Database::Impl::Maintain(std::stop_token stop, Timestamp cut_until) {
  MutexLock guard(maintenance_mutex);
  // A step that fails, as on a full disk, does not keep the retention from making room.
  Status done = CutHead(cut_until, stop);
  const auto note = [&done](Status step) {
    if (done && !step) done = std::move(step);
  };
  note(log_cutter->Cut());
  note(registry_file.SaveWhenMuchIsNew());
  note(RemoveStrays());
  note(compactor->MergeWhatIsDue(stop));
  note(Retain());
  ReleaseFiles();
  ReturnFreedMemory();  // also of threads that have ended: those that opened the database
  return done;
}

// Or what queries, and the steps above, have read would stay in the process's memory for good. Who
// reads it again gets it from the kernel's cache: for 10 to 20 microseconds a megabyte, at most
// once a minute.
void Database::Impl::ReleaseFiles() const {
  head.ReleaseFiles();
  for (const auto& block : view.Get()->blocks) block->data().Release();
  index->ReleaseFiles();
}

Status Database::Impl::CutHead(Timestamp until, const std::stop_token& stop) {
  SealOrphans();
  TRY(cutter->DropWhatWasCut());
  if (const auto at = cutter->Due(until)) {
    const Status cut = cutter->Cut(*at, stop);
    if (!cut && !stop.stop_requested()) metrics.compactions_failed.Increment();
    TRY(cut);
  }
  TRY(WriteIndex());
  if (head.ForgetIdleSeries(TRY(index->LastId())) > 0) registry_file.NoteRemovals();
  return {};
}

// Up to where the head is to be cut although it is not maintenance's turn: it holds hours more than
// it should, and nothing came there since `seen`, the look before. Who writes one series after the
// other would find all but the first cut off.
std::optional<Timestamp> Database::Impl::BacklogEnd(ChangeMark& seen) {
  MutexLock guard(maintenance_mutex);
  const ChangeMark before = std::exchange(seen, {});
  if (!cutter->IsFarBehind()) return std::nullopt;
  seen = path->changes.Mark();
  const auto unchanged = path->changes.UnchangedSince(before);
  if (!unchanged || !cutter->IsFarBehind(unchanged->max) || !cutter->Due(unchanged->max)) {
    return std::nullopt;
  }
  return unchanged->max;
}

Status Database::Impl::RemoveStrays() {
  TRY(cutter->MakeSure());
  return compactor->RemoveStrays();
}

Status Database::Impl::Retain() {
  // The index must not forget what a restart would bring back.
  const Status removed = registry_file.ForgetRemoved();
  Retention keep;
  {
    MutexLock lock_retention(retention_mutex);
    keep = retention;
  }
  metrics.retention_seconds.Set(ToSeconds(keep.time));
  metrics.retention_bytes.Set(static_cast<double>(keep.bytes));
  metrics.retention_percentage.Set(keep.disk_percentage);
  keep.bytes = LargestSize(keep);
  const uint64_t beside_blocks = TRY(BytesBesideBlocks());
  TRY(compactor->Retain(keep, beside_blocks, removed.has_value()));
  return removed;
}

uint64_t Database::Impl::LargestSize(const Retention& keep) {
  if (keep.disk_percentage <= 0) return keep.bytes;
  const auto disk = files.DiskBytes(options.path);
  if (!disk) {
    logger.Warn("The size of the disk is unknown: the retention by percentage is left out",
                {{"err", disk.error()}});
    return keep.bytes;
  }
  // A share too small for a byte still is a bound.
  const double bytes = static_cast<double>(*disk) * keep.disk_percentage / 100;
  return std::max<uint64_t>(static_cast<uint64_t>(bytes), 1);
}

// Tables that nobody writes to: those of a process before this one that no target took up again,
// and those whose runs the disk did not take. Their rows are in the log only, which therefore
// could not be cut.
void Database::Impl::SealOrphans() {
  ValueEncoder encoder;
  for (const auto& table : head.Tables()) {
    if (table->needs_segment() == Table::kNoSegment || !table->Claim()) continue;
    head.CountChunks(table->Seal(encoder));
    table->End();
    table->Disclaim();
  }
}

Result<uint64_t> Database::Impl::BytesBesideBlocks() const {
  uint64_t bytes = TRY(PosixFileSystem().BytesBelow(IndexPath()));
  for (const std::string& folder : {WalPath(), HeadPath(), ExemplarsPath()}) {
    bytes += TRY(files.BytesBelow(folder));
  }
  return bytes;
}

Status Database::Impl::Close() {
  if (closed.exchange(true)) return {};
  stopping.request_stop();
  maintenance_task.reset();
  sync_task.reset();
  index_task.reset();
  Status done;
  {
    MutexLock guard(maintenance_mutex);
    SealOrphans();
    done = log_cutter->Cut();
    if (Status saved = registry_file.Save(); done) done = std::move(saved);
  }
  Status flushed = FlushLog();
  const Status exemplars_closed = exemplars->Close();
  lock.reset();
  if (!flushed) return flushed;
  return done ? exemplars_closed : done;
}

// Series that no row used yet are part of it.
Status Database::Impl::FlushLog() {
  const auto appended = log->Append({});
  const Status closed_log = log->Close();
  return appended ? closed_log : std::unexpected(appended.error());
}

std::optional<Labels> Database::Impl::LabelsInIndex(SeriesId id) const {
  auto found = index->LabelsOf(id);
  return found ? std::move(*found) : std::nullopt;
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
  unindexed.push_back(id);
}

Status Database::Impl::AdmitSeries() {
  if (options.memory == nullptr || !options.memory->tight()) return {};
  metrics.series_refused.Increment();
  return Fail(ErrorCode::kLimitExceeded, "no new series: the memory limit of " +
                                             std::to_string(options.memory->limit_bytes()) +
                                             " bytes is nearly reached");
}

// Series that the log defines, and that a crash kept from the index; or all, where it was lost.
void Database::Impl::QueueReplayedSeries() {
  const std::vector<SeriesId> ids =
      head.registry.IdsAfter(index_is_new ? kNoSeries : index->LastId().value_or(kNoSeries));
  MutexLock guard(unindexed_mutex);
  unindexed.insert(unindexed.end(), ids.begin(), ids.end());
}

Status Database::Impl::WriteIndex() {
  MutexLock writing(write_index_mutex);
  std::vector<SeriesId> ids;
  {
    MutexLock guard(unindexed_mutex);
    ids.swap(unindexed);
  }
  // So that LastId says what is there, also after a crash.
  std::ranges::sort(ids);
  std::span<const SeriesId> rest = ids;
  while (!rest.empty()) {
    const auto batch = rest.first(std::min(kSeriesPerIndexWrite, rest.size()));
    if (Status written = PutInIndex(batch); !written) {
      MutexLock guard(unindexed_mutex);
      unindexed.insert(unindexed.begin(), rest.begin(), rest.end());
      return written;
    }
    rest = rest.subspan(batch.size());
  }
  return {};
}

// Series that left the head meanwhile are not missed.
Status Database::Impl::PutInIndex(std::span<const SeriesId> ids) {
  std::vector<SeriesIndex::Entry> entries;
  entries.reserve(ids.size());
  head.registry.Visit(ids, [&](SeriesId id, const Labels& labels) {
    entries.push_back({id, std::string(labels.packed())});
  });
  return index->Put(entries);
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
Status Database::Sync() {
  TRY(impl_->log->Sync());
  return impl_->exemplars->Sync();
}

Result<std::unique_ptr<ScrapeTable>> Database::OpenTable() {
  if (impl_->closed) return Fail(ErrorCode::kUnavailable, "the storage is closed");
  return std::unique_ptr<ScrapeTable>(
      std::make_unique<TableWriter>(*impl_->path, impl_->next_table.fetch_add(1)));
}

std::unique_ptr<Appender> Database::NewAppender() {
  return std::make_unique<LoneAppender>(*impl_->path);
}

Result<std::unique_ptr<Selection>> Database::Select(TimeRange range, const Matchers& matchers,
                                                    const SelectHints& hints,
                                                    std::stop_token stop) const {
  return SelectFromView(impl_->view.Get(), impl_->head, *impl_->index, range, matchers, hints,
                        std::move(stop));
}

Result<std::vector<std::string>> Database::LabelNames(const LabelQuery& query,
                                                      std::stop_token stop) const {
  return LabelQueries(impl_->view.Get(), impl_->head, *impl_->index).Names(query, std::move(stop));
}

Result<std::vector<std::string>> Database::LabelValues(const std::string& name,
                                                       const LabelQuery& query,
                                                       std::stop_token stop) const {
  return LabelQueries(impl_->view.Get(), impl_->head, *impl_->index)
      .Values(name, query, std::move(stop));
}

Result<std::vector<Labels>> Database::Series(const LabelQuery& query, std::stop_token stop) const {
  return LabelQueries(impl_->view.Get(), impl_->head, *impl_->index).Series(query, std::move(stop));
}

HeadStatistics Database::CountHead(size_t limit) const {
  HeadStatistics counts = impl_->head.registry.Count(limit);
  counts.chunks = static_cast<uint64_t>(std::max(impl_->metrics.chunks.value(), 0.0));
  counts.range = impl_->head.range();
  return counts;
}

std::vector<BlockStatistics> Database::CountBlocks() const {
  std::vector<BlockStatistics> counts;
  for (const auto& block : Blocks()) {
    const BlockMeta& meta = block->meta();
    BlockStatistics& count = counts.emplace_back();
    count.ulid = meta.ulid().ToString();
    count.range = meta.range;
    count.level = meta.origin.level;
    for (const Ulid& source : meta.origin.sources) count.sources.push_back(source.ToString());
    if (count.sources.empty()) count.sources.push_back(count.ulid);
    count.series = meta.stats.series;
    count.float_samples = meta.stats.float_samples;
    count.histogram_samples = meta.stats.histogram_samples;
    count.bytes = meta.stats.bytes;
  }
  return counts;
}

ChangeMark Database::MarkChanges() const { return impl_->path->changes.Mark(); }

std::optional<TimeRange> Database::UnchangedSince(ChangeMark mark) const {
  return impl_->path->changes.UnchangedSince(mark);
}

Status Database::Maintain() { return impl_->Maintain({}); }

void Database::SetRetention(Retention retention) {
  MutexLock guard(impl_->retention_mutex);
  impl_->retention = retention;
}

Retention Database::retention() const {
  MutexLock guard(impl_->retention_mutex);
  return impl_->retention;
}

void Database::SetOutOfOrderWindow(std::optional<Duration> window) {
  impl_->path->SetOutOfOrderWindow(window);
  impl_->exemplars->SetOutOfOrderWindow(window.value_or(Duration(0)));
}

Status Database::SetMaxExemplars(size_t count) { return impl_->exemplars->Resize(count); }

Result<std::vector<ExemplarVerdict>> Database::AppendExemplars(
    std::span<const SeriesExemplar> exemplars) {
  return impl_->exemplars->Append(exemplars);
}

Result<std::vector<ExemplarSeries>> Database::SelectExemplars(TimeRange range,
                                                              std::span<const Matchers> selectors,
                                                              std::stop_token stop) const {
  return impl_->exemplars->Select(range, selectors, std::move(stop));
}

std::vector<std::shared_ptr<const Block>> Database::Blocks() const {
  return impl_->view.Get()->blocks;
}

Status Database::DeleteSeries(TimeRange range, const Matchers& matchers) {
  const Status deleted = impl_->DeleteSeries(range, matchers);
  impl_->path->changes.NoteChange(range.min);  // a part of it may be done where it failed
  return deleted;
}

Status Database::Impl::DeleteSeries(TimeRange range, const Matchers& matchers) {
  MutexLock guard(maintenance_mutex);
  // What is there now, and nothing that comes later.
  range.max = std::min(range.max, head.range().max);
  if (range.min > range.max) return {};
  TRY(cutter->FlushLone(range.max));
  // Or the log would bring back what is in blocks now, and deleted there.
  TRY(log_cutter->Cut());
  TRY(RemoveStrays());
  TRY(compactor->AddTombstones(range, matchers));
  const auto selection =
      TRY(SelectFromHead(head, view.Get()->head, range, matchers, {}, {}, DamagedRuns::kLeaveOut));
  if (selection->size() == 0) return {};
  std::string payload;
  for (size_t i = 0; i < selection->size(); ++i) {
    wal::AppendDeletion(payload, {selection->id(i), range});
  }
  TRY(path->Log({{{wal::RecordType::kDeletions, payload}}}));
  for (size_t i = 0; i < selection->size(); ++i) head.tombstones.Add(selection->id(i), range);
  return {};
}

Status Database::CleanTombstones() {
  MutexLock guard(impl_->maintenance_mutex);
  return impl_->compactor->ApplyTombstones(impl_->stopping.get_token());
}

Result<std::string> Database::Snapshot(bool skip_head) { return impl_->Snapshot(skip_head); }

// A data folder of blocks alone: those that are there, by hard links, and what the head holds.
Result<std::string> Database::Impl::Snapshot(bool skip_head) {
  MutexLock guard(maintenance_mutex);
  std::string name = SnapshotName(clock.Now());
  const std::string target = options.path + "/snapshots/" + name;
  TRY(files.CreateDirectories(target + "/blocks"));
  std::vector<std::shared_ptr<const Block>> of_head;
  if (!skip_head) of_head = TRY(WriteHeadBlocks(target + "/blocks"));
  TRY(WriteIndex());  // now it knows all series of theirs
  TRY(index->Checkpoint(target + "/index"));
  for (const auto& block : view.Get()->blocks) {
    TRY(LinkFolder(files, block->path(), BlockPath(target + "/blocks", block->meta().ulid())));
  }
  if (of_head.empty()) return name;
  const auto copy = TRY(SeriesIndex::Open(target + "/index"));
  for (const auto& block : of_head) TRY(NoteInIndex(*copy, *block));
  TRY(copy->Flush());
  return name;
}

// What the head holds, as blocks in another folder than the database's.
Result<std::vector<std::shared_ptr<const Block>>> Database::Impl::WriteHeadBlocks(
    const std::string& directory) {
  std::vector<std::shared_ptr<const Block>> blocks;
  const HeadBounds bounds = view.Get()->head;
  const TimeRange range{head.Oldest(bounds), head.range().max};
  if (range.min > range.max) return blocks;
  const auto lengths = WindowLengths(options.min_block_duration, options.max_block_duration);
  const Timestamp end = WindowOf(range.max, lengths.front()).max + Duration(1);
  for (const TimeRange window : WindowsBefore(end, range, lengths)) {
    auto block =
        TRY(WriteHeadBlock(files, directory, Ulid::Make(clock.Now()), head, bounds, window, {}));
    if (block != nullptr) blocks.push_back(std::move(block));
  }
  return blocks;
}

}  // namespace barograph::tsdb
