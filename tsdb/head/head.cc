#include "tsdb/head/head.h"

#include <algorithm>

namespace barograph::tsdb {
namespace {

// Series become idle when samples are dropped. Those that never had any are looked for when at
// least one in so many is new.
constexpr size_t kNewShare = 8;

}  // namespace

Status Head::OpenFiles(FileSystem& files, const std::string& directory, const Logger& logger,
                       uint64_t dropped_lone_files) {
  TimeRange range = Table::kNoRange;
  const auto take = [&](StoredRun stored) {
    const auto [known, is_new] = restored_.try_emplace(stored.table, 0);
    if (is_new) known->second = AddTable(stored.table);
    range.min = std::min(range.min, stored.run->range().min);
    range.max = std::max(range.max, stored.run->range().max);
    TableAt(known->second)->Restore(std::move(stored));
  };
  const auto count_damage = [this] { metrics_.head_damages.Increment(); };
  table_files_ = TRY(TableFiles::Open(files, directory, logger, take, count_damage));
  TRY(LoadTombstones(files, directory, logger));
  TRY(lone.Open(
      files, logger,
      {.directory = directory, .dropped_through = dropped_lone_files, .on_damage = count_damage}));
  for (const auto& table : Tables()) table->UseFiles(table_files_.get());
  ExtendRange(range);
  return {};
}

Status Head::LoadTombstones(FileSystem& files, const std::string& directory, const Logger& logger) {
  Status loaded = tombstones.Load(files, directory);
  if (loaded || loaded.error().code != ErrorCode::kCorruption) return loaded;
  const std::string path = directory + "/tombstones", aside = path + ".damaged";
  metrics_.head_damages.Increment();
  logger.Error(
      "What tells of deleted samples of the head is damaged and set aside: they may be shown again",
      {{"err", loaded.error()}, {"kept_as", aside}});
  return files.Rename(path, aside);
}

std::optional<uint32_t> Head::RestoredTable(uint64_t id) const {
  const auto found = restored_.find(id);
  return found == restored_.end() ? std::nullopt : std::optional(found->second);
}

uint32_t Head::AddTable(uint64_t id) {
  WriterLock lock(tables_mutex_);
  tables_.push_back(std::make_shared<Table>(id, table_files_.get()));
  return static_cast<uint32_t>(tables_.size() - 1);
}

std::shared_ptr<Table> Head::TableAt(uint32_t number) const {
  ReaderLock lock(tables_mutex_);
  return tables_[number];
}

std::vector<std::pair<uint32_t, std::shared_ptr<Table>>> Head::NumberedTables() const {
  std::vector<std::pair<uint32_t, std::shared_ptr<Table>>> tables;
  ReaderLock lock(tables_mutex_);
  for (uint32_t number = 0; number < tables_.size(); ++number) {
    if (tables_[number] != nullptr) tables.emplace_back(number, tables_[number]);
  }
  return tables;
}

std::vector<std::shared_ptr<Table>> Head::Tables() const {
  std::vector<std::shared_ptr<Table>> tables;
  for (auto& [number, table] : NumberedTables()) tables.push_back(std::move(table));
  return tables;
}

Status Head::DropBefore(Timestamp cut) {
  dropped_ = true;
  for (const auto& table : Tables()) table->DropBefore(cut);
  {
    // A table that only the head knows has no writer and no reader.
    WriterLock lock(tables_mutex_);
    for (auto& table : tables_) {
      if (table != nullptr && table.use_count() == 1 && table->HoldsNothing()) table.reset();
    }
  }
  tombstones.DropBefore(cut);
  return table_files_->DropBefore(cut);
}

size_t Head::ForgetIdleSeries(SeriesId last) {
  const size_t series = registry.size();
  if (!dropped_ && series - std::min(series, looked_at_) < looked_at_ / kNewShare + 1) return 0;
  std::map<uint32_t, std::vector<SeriesId>> held;
  uint32_t tables = 0;
  for (const auto& [number, table] : NumberedTables()) {
    held[number] = table->AllSeries();
    tables = number + 1;
  }
  const auto alive = [&](SeriesId id, Source source) {
    if (source.table == Source::kLone) return lone.Overlaps(id, {});
    if (source.table >= tables) return true;  // it is new
    const auto table = held.find(source.table);
    if (table == held.end()) return false;
    return std::ranges::binary_search(table->second, id) ||
           TableAt(source.table)->SeriesOf(source.column) == id;
  };
  const size_t gone = registry.Compact(last, alive);
  dropped_ = false;
  looked_at_ = registry.size();
  metrics_.series_removed.Increment(static_cast<double>(gone));
  metrics_.head_series.Set(static_cast<double>(registry.size()));
  return gone;
}

Status Head::SyncFiles() { return table_files_->Sync(); }

void Head::ReleaseFiles() const {
  table_files_->Release();
  lone.ReleaseFiles();
}

void Head::CountSamples(uint64_t floats, uint64_t histograms, TimeRange range) {
  if (floats + histograms == 0) return;
  metrics_.samples_appended.Increment(static_cast<double>(floats));
  metrics_.histograms_appended.Increment(static_cast<double>(histograms));
  ExtendRange(range);
}

void Head::ExtendRange(TimeRange range) {
  MutexLock lock(range_mutex_);
  if (range.min < range_.min) {
    range_.min = range.min;
    ShowMin();
  }
  if (range.max > range_.max) {
    range_.max = range.max;
    metrics_.max_time.Set(static_cast<double>(ToMs(range.max)));
  }
}

Timestamp Head::Oldest(const HeadBounds& bounds) const {
  Timestamp oldest = lone.Oldest(bounds.lone_from);
  for (const auto& table : Tables()) {
    const TimeRange of_table = table->range();
    if (of_table == Table::kNoRange || of_table.max < bounds.tables_from) continue;
    oldest = std::min(oldest, std::max(of_table.min, bounds.tables_from));
  }
  return oldest;
}

void Head::NoteBounds(const HeadBounds& bounds) {
  const Timestamp oldest = Oldest(bounds);
  MutexLock lock(range_mutex_);
  if (range_ == Table::kNoRange) return;
  // Nothing older: where a query begins to look when the head is empty.
  range_.min = std::min(oldest, range_.max);
  ShowMin();
}

void Head::ShowMin() {
  metrics_.min_time.Set(static_cast<double>(ToMs(range_.min)));
  metrics_.lowest_timestamp.Set(static_cast<double>(ToMs(range_.min)));
  metrics_.lowest_timestamp_seconds.Set(ToSeconds(range_.min));
}

void Head::CountChunks(const SealCount& sealed) {
  if (sealed.runs == 0) return;
  metrics_.chunks.Increment(static_cast<double>(sealed.chunks));
  metrics_.chunks_created.Increment(static_cast<double>(sealed.chunks));
}

TimeRange Head::range() const {
  MutexLock lock(range_mutex_);
  return range_;
}

}  // namespace barograph::tsdb
