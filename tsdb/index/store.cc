#include "tsdb/index/store.h"

#include <rocksdb/convenience.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>

#include <algorithm>
#include <array>

#include "tsdb/index/id_merge.h"
#include "tsdb/index/keys.h"

namespace barograph::tsdb::index {
namespace {

constexpr std::array<std::string_view, kFamilies> kFamilyNames = {"default", "series", "ids",
                                                                  "postings", "state"};
constexpr std::string_view kFormatKey = "format";
constexpr std::string_view kFormat = "1";
// Holds the sequence number that the last Flush made durable.
constexpr std::string_view kFlushedName = "FLUSHED";
constexpr size_t kBatchBytes = size_t{2} << 20;
constexpr size_t kVerifyReadahead = size_t{2} << 20;
constexpr int kFilterBitsPerKey = 10;
constexpr int kIdFilesPerCompaction = 10;

rocksdb::BlockBasedTableOptions TableOptions(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.block_size = size_t{16} << 10;
  table.format_version = 5;
  return table;
}

// Fresh files are compressed lightly, the last level, where nearly everything is, well.
rocksdb::ColumnFamilyOptions FamilyOptions(Family family, const SeriesIndexOptions& limits,
                                           const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = limits.write_buffer_bytes / 2;
  options.arena_block_size = size_t{256} << 10;
  options.level_compaction_dynamic_level_bytes = true;
  options.target_file_size_base = uint64_t{32} << 20;
  options.max_bytes_for_level_base = uint64_t{32} << 20;
  options.compression = rocksdb::kLZ4Compression;
  options.bottommost_compression = rocksdb::kZSTD;
  rocksdb::BlockBasedTableOptions table = TableOptions(cache);
  if (family == Family::kIds) {
    // Looked up by hash, mostly to learn that the series is new: a filter answers that. No other
    // family is asked for what is not there.
    options.prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(kIdKeyPrefixBytes));
    options.memtable_prefix_bloom_size_ratio = 0.1;
    // Hashes fall anywhere: each compaction reads all of the next level, so they wait for more.
    options.level0_file_num_compaction_trigger = kIdFilesPerCompaction;
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kFilterBitsPerKey));
    table.whole_key_filtering = false;
    table.partition_filters = true;
    table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
    table.block_size = size_t{4} << 10;
  }
  if (family == Family::kPostings) options.merge_operator = std::make_shared<IdMerge>();
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

// RocksDB's own log is a file in the folder: on a disk that was full its next line would end the
// process (an assertion of its file writer). What goes wrong is in the statuses.
class NoLog final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

ErrorCode CodeOf(const rocksdb::Status& status) {
  if (status.IsCorruption() || status.IsPathNotFound()) return ErrorCode::kCorruption;
  if (status.IsInvalidArgument()) return ErrorCode::kInvalidArgument;
  return status.IsNoSpace() ? ErrorCode::kLimitExceeded : ErrorCode::kIo;
}

}  // namespace

Result<std::unique_ptr<Store>> Store::Open(const std::string& path,
                                           const SeriesIndexOptions& options) {
  std::unique_ptr<Store> store(new Store(path, options.environment));
  TRY(store->CheckFolder(options.read_only));
  TRY(store->OpenDatabase(options));
  TRY(store->CheckFormat(options.read_only));
  return store;
}

Store::~Store() {
  for (rocksdb::ColumnFamilyHandle* family : families_) db_->DestroyColumnFamilyHandle(family);
}

// RocksDB would make a new database where CURRENT is missing, and remove the files that it does
// not know.
Status Store::CheckFolder(bool read_only) const {
  std::vector<std::string> names;
  const bool listed = environment_->GetChildren(path_, &names).ok();
  if (!listed && !read_only) return {};  // Open makes it, or says what is wrong
  const bool has_current = std::ranges::find(names, "CURRENT") != names.end();
  const bool has_files = std::ranges::any_of(names, [](const std::string& name) {
    return name.ends_with(".sst") || name.starts_with("MANIFEST-");
  });
  if (has_files && !has_current) return Damaged("the file CURRENT is missing");
  if (!has_current && read_only) {
    return Fail(ErrorCode::kNotFound, "there is no series index in " + path_);
  }
  if (!has_current) return {};
  std::vector<std::string> families;
  rocksdb::DBOptions how;
  how.env = environment_;
  TRY(Check(rocksdb::DB::ListColumnFamilies(how, path_, &families)));
  for (const std::string& family : families) {
    if (std::ranges::find(kFamilyNames, family) != kFamilyNames.end()) continue;
    return Fail(ErrorCode::kInvalidArgument, "series index in " + path_ + ": unknown part \"" +
                                                 family + "\": a newer version made it");
  }
  return {};
}

rocksdb::DBOptions Store::DatabaseOptions(const SeriesIndexOptions& limits) const {
  rocksdb::DBOptions options;
  options.env = environment_;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.atomic_flush = true;
  options.db_write_buffer_size = limits.write_buffer_bytes;
  options.max_open_files = limits.max_open_files;
  options.info_log = std::make_shared<NoLog>();
  if (limits.read_only) {
    options.create_if_missing = false;
    options.create_missing_column_families = false;
  }
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  return options;
}

Status Store::OpenDatabase(const SeriesIndexOptions& options) {
  cache_ = rocksdb::NewLRUCache(options.block_cache_bytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (size_t f = 0; f < kFamilies; ++f) {
    descriptors.emplace_back(std::string(kFamilyNames[f]),
                             FamilyOptions(static_cast<Family>(f), options, cache_));
  }
  rocksdb::DB* db = nullptr;
  const rocksdb::DBOptions how = DatabaseOptions(options);
  const auto opened = options.read_only
                          ? rocksdb::DB::OpenForReadOnly(how, path_, descriptors, &families_, &db)
                          : rocksdb::DB::Open(how, path_, descriptors, &families_, &db);
  db_.reset(db);
  TRY(Check(opened));
  return CheckSequence();
}

Status Store::CheckFormat(bool read_only) {
  const std::optional<std::string> format = TRY(Get(Family::kState, kFormatKey));
  if (format == kFormat) return {};
  const auto at = NewIterator(Family::kSeries, {});
  at->SeekToFirst();
  TRY(Check(at->status()));
  if (!format && !at->Valid() && read_only) return {};
  if (format || at->Valid()) {
    return Fail(ErrorCode::kInvalidArgument,
                "series index in " + path_ + ": its format is \"" + format.value_or("0") +
                    "\", and this version knows \"" + std::string(kFormat) + "\" only");
  }
  BatchWriter writer(*this);
  TRY(writer.Put(Family::kState, kFormatKey, kFormat));
  return writer.Finish();
}

Result<std::optional<std::string>> Store::Get(Family family, std::string_view key) const {
  rocksdb::PinnableSlice value;
  const auto got = db_->Get(rocksdb::ReadOptions(), handle(family), key, &value);
  if (got.IsNotFound()) return std::optional<std::string>();
  TRY(Check(got));
  return std::optional(value.ToString());
}

std::unique_ptr<rocksdb::Iterator> Store::NewIterator(Family family,
                                                      const rocksdb::ReadOptions& options) const {
  return std::unique_ptr<rocksdb::Iterator>(db_->NewIterator(options, handle(family)));
}

Status Store::Write(rocksdb::WriteBatch& batch) {
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  return Check(db_->Write(options, &batch));
}

Status Store::Flush() {
  MutexLock flushing(flush_mutex_);
  const uint64_t sequence = db_->GetLatestSequenceNumber();
  TRY(Check(db_->Flush(rocksdb::FlushOptions(), families_)));
  const std::string path = path_ + "/" + std::string(kFlushedName), fresh = path + ".tmp";
  TRY(Check(rocksdb::WriteStringToFile(environment_, BigEndian(sequence), fresh, true)));
  return Check(environment_->RenameFile(fresh, path));
}

Status Store::VerifyChecksums() const {
  rocksdb::ReadOptions options;
  options.readahead_size = kVerifyReadahead;
  return Check(db_->VerifyChecksum(options));
}

// A manifest that is damaged at its end looks to RocksDB like one that was not written further:
// it would begin where it was earlier, and remove what it does not know. That must not pass for an
// index that is whole.
Status Store::CheckSequence() const {
  std::string bytes;
  const auto read =
      rocksdb::ReadFileToString(environment_, path_ + "/" + std::string(kFlushedName), &bytes);
  if (read.IsPathNotFound()) return {};  // never flushed, or a copy
  TRY(Check(read));
  const std::optional<uint64_t> flushed = ParseBigEndian(bytes);
  if (!flushed) return Damaged("the file " + std::string(kFlushedName) + " is damaged");
  if (db_->GetLatestSequenceNumber() >= *flushed) return {};
  return Damaged("writes that were flushed are gone");
}

Status Store::RemoveRange(Family family, std::string_view from, std::string_view to) {
  const rocksdb::Slice begin = from, end = to;
  // First the files, then what is left: a file that held nothing but the removal of a range would
  // otherwise go, and what it hid in others would be back.
  const rocksdb::RangePtr range(&begin, &end);
  TRY(Check(rocksdb::DeleteFilesInRanges(db_.get(), handle(family), &range, 1, false)));
  rocksdb::WriteBatch batch;
  TRY(Check(batch.DeleteRange(handle(family), begin, end)));
  return Write(batch);
}

Status Store::Compact(Family family, std::string_view from, std::string_view to) {
  const rocksdb::Slice begin = from, end = to;
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  return Check(db_->CompactRange(options, handle(family), from.empty() ? nullptr : &begin,
                                 to.empty() ? nullptr : &end));
}

Status Store::Checkpoint(const std::string& path) const {
  rocksdb::Checkpoint* made = nullptr;
  TRY(Check(rocksdb::Checkpoint::Create(db_.get(), &made)));
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  return Check(checkpoint->CreateCheckpoint(path));
}

Status Store::Check(const rocksdb::Status& status) const {
  if (status.ok()) return {};
  Error error{CodeOf(status), "series index in " + path_ + ": " + status.ToString()};
  if (error.code == ErrorCode::kCorruption && on_damage_) on_damage_(error);
  return std::unexpected(std::move(error));
}

std::unexpected<Error> Store::Damaged(std::string_view what) const {
  return Fail(ErrorCode::kCorruption, "series index in " + path_ + ": " + std::string(what));
}

Status BatchWriter::Put(Family family, std::string_view key, std::string_view value) {
  return store_.Check(batch_.Put(store_.handle(family), key, value));
}

Status BatchWriter::Merge(Family family, std::string_view key, std::string_view value) {
  return store_.Check(batch_.Merge(store_.handle(family), key, value));
}

Status BatchWriter::Delete(Family family, std::string_view key) {
  return store_.Check(batch_.Delete(store_.handle(family), key));
}

bool BatchWriter::full() const { return batch_.GetDataSize() >= kBatchBytes; }

Status BatchWriter::Finish() {
  if (batch_.Count() == 0) return {};
  TRY(store_.Write(batch_));
  batch_.Clear();
  return {};
}

}  // namespace barograph::tsdb::index
