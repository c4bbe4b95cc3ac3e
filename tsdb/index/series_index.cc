#include "tsdb/index/series_index.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <array>

#include "tsdb/index/postings_merge.h"

namespace barograph::tsdb {
namespace {

using rocksdb::ColumnFamilyDescriptor;
using rocksdb::ColumnFamilyHandle;

enum Family : uint8_t { kDefault, kSeries, kIds, kPostings, kState, kFamilies };
constexpr std::array kFamilyNames = {"default", "series", "ids", "postings", "state"};
constexpr std::string_view kLastIdKey = "last_id";

// Big-endian, so that keys sort by number.
void AppendBigEndian(std::string& out, uint64_t value, size_t bytes) {
  for (size_t i = bytes; i-- > 0;) out += static_cast<char>(value >> (8 * i));
}
std::string BigEndian(uint64_t value) {
  std::string out;
  AppendBigEndian(out, value, 8);
  return out;
}
uint64_t LoadBigEndian(std::string_view bytes) {
  uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

Status FromRocks(const rocksdb::Status& status) {
  if (status.ok()) return {};
  const ErrorCode code = status.IsCorruption() ? ErrorCode::kCorruption : ErrorCode::kIo;
  return Fail(code, "series index: " + status.ToString());
}

rocksdb::ColumnFamilyOptions FamilyOptions(Family family,
                                           const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = size_t{8} << 20;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  if (family == kIds) {
    // Looked up by hash: mostly to learn that the series is new.
    options.prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(8));
    options.memtable_prefix_bloom_size_ratio = 0.1;
  }
  if (family == kPostings) options.merge_operator = std::make_shared<PostingsMerge>();
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

rocksdb::DBOptions DatabaseOptions(const SeriesIndexOptions& limits) {
  rocksdb::DBOptions options;
  options.db_write_buffer_size = limits.write_buffer_bytes;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.atomic_flush = true;
  options.max_open_files = limits.max_open_files;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.keep_log_file_num = 2;
  return options;
}

}  // namespace

struct SeriesIndex::Impl {
  std::unique_ptr<rocksdb::DB> db;
  std::vector<ColumnFamilyHandle*> families;

  ~Impl() {
    for (ColumnFamilyHandle* family : families) db->DestroyColumnFamilyHandle(family);
  }
};

SeriesIndex::SeriesIndex(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SeriesIndex::~SeriesIndex() = default;

Result<std::unique_ptr<SeriesIndex>> SeriesIndex::Open(const std::string& path,
                                                       SeriesIndexOptions options) {
  const auto cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  std::vector<ColumnFamilyDescriptor> descriptors;
  for (uint8_t f = 0; f < kFamilies; ++f) {
    descriptors.emplace_back(kFamilyNames[f], FamilyOptions(static_cast<Family>(f), cache));
  }
  auto impl = std::make_unique<Impl>();
  rocksdb::DB* db = nullptr;
  const auto opened =
      rocksdb::DB::Open(DatabaseOptions(options), path, descriptors, &impl->families, &db);
  impl->db.reset(db);
  if (Status s = FromRocks(opened); !s) return std::unexpected(s.error());
  return std::unique_ptr<SeriesIndex>(new SeriesIndex(std::move(impl)));
}

Status SeriesIndex::Put(std::span<const Entry> entries) {
  if (entries.empty()) return {};
  rocksdb::WriteBatch batch;
  auto last = static_cast<uint64_t>(TRY(LastId()));
  for (const Entry& entry : entries) {
    const auto id = static_cast<uint64_t>(entry.id);
    const Labels labels = Labels::FromPacked(entry.packed_labels);
    batch.Put(impl_->families[kSeries], BigEndian(id), entry.packed_labels);
    batch.Put(impl_->families[kIds], BigEndian(labels.Hash()) + BigEndian(id), "");
    last = std::max(last, id);
  }
  batch.Put(impl_->families[kState], std::string(kLastIdKey), BigEndian(last));
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  return FromRocks(impl_->db->Write(options, &batch));
}

Status SeriesIndex::Flush() {
  return FromRocks(impl_->db->Flush(rocksdb::FlushOptions(), impl_->families));
}

Result<SeriesId> SeriesIndex::Find(const Labels& labels) const {
  const std::string prefix = BigEndian(labels.Hash());
  rocksdb::ReadOptions options;
  options.prefix_same_as_start = true;
  const std::unique_ptr<rocksdb::Iterator> at(
      impl_->db->NewIterator(options, impl_->families[kIds]));
  for (at->Seek(prefix); at->Valid() && at->key().starts_with(prefix); at->Next()) {
    const SeriesId id{LoadBigEndian(at->key().ToStringView().substr(prefix.size()))};
    const std::optional<Labels> found = TRY(LabelsOf(id));
    if (found && *found == labels) return id;
  }
  TRY(FromRocks(at->status()));
  return kNoSeries;
}

Result<std::optional<Labels>> SeriesIndex::LabelsOf(SeriesId id) const {
  std::string packed;
  const auto got = impl_->db->Get(rocksdb::ReadOptions(), impl_->families[kSeries],
                                  BigEndian(static_cast<uint64_t>(id)), &packed);
  if (got.IsNotFound()) return std::optional<Labels>();
  TRY(FromRocks(got));
  if (!Labels::Validate(packed)) {
    return Fail(ErrorCode::kCorruption, "series index: the labels of series " +
                                            std::to_string(static_cast<uint64_t>(id)) +
                                            " are damaged");
  }
  return std::optional(Labels::FromPacked(std::move(packed)));
}

Result<SeriesId> SeriesIndex::LastId() const {
  std::string value;
  const auto got = impl_->db->Get(rocksdb::ReadOptions(), impl_->families[kState],
                                  std::string(kLastIdKey), &value);
  if (got.IsNotFound()) return kNoSeries;
  TRY(FromRocks(got));
  return SeriesId{LoadBigEndian(value)};
}

}  // namespace barograph::tsdb
