#include "tsdb/index/series_index.h"

#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/bytes/varint.h"
#include "tsdb/index/postings_merge.h"

namespace barograph::tsdb {
namespace {

using rocksdb::ColumnFamilyDescriptor;
using rocksdb::ColumnFamilyHandle;

enum Family : uint8_t { kDefault, kSeries, kIds, kPostings, kState, kFamilies };
constexpr std::array kFamilyNames = {"default", "series", "ids", "postings", "state"};
constexpr std::string_view kLastIdKey = "last_id";
constexpr size_t kHalfBytes = 4;

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

std::string PostingsPrefix(std::string_view name, std::string_view value) {
  std::string key;
  AppendVarint(key, name.size());
  key.append(name).append(value);
  return key;
}

Status FromRocks(const rocksdb::Status& status) {
  if (status.ok()) return {};
  const ErrorCode code = status.IsCorruption() ? ErrorCode::kCorruption : ErrorCode::kIo;
  return Fail(code, "series index: " + status.ToString());
}

rocksdb::ColumnFamilyOptions FamilyOptions(Family family) {
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = size_t{8} << 20;
  rocksdb::BlockBasedTableOptions table;
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

rocksdb::DBOptions DatabaseOptions() {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.atomic_flush = true;
  options.max_open_files = 256;
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

Result<std::unique_ptr<SeriesIndex>> SeriesIndex::Open(const std::string& path) {
  std::vector<ColumnFamilyDescriptor> descriptors;
  for (uint8_t f = 0; f < kFamilies; ++f) {
    descriptors.emplace_back(kFamilyNames[f], FamilyOptions(static_cast<Family>(f)));
  }
  auto impl = std::make_unique<Impl>();
  rocksdb::DB* db = nullptr;
  const auto opened = rocksdb::DB::Open(DatabaseOptions(), path, descriptors, &impl->families, &db);
  impl->db.reset(db);
  if (Status s = FromRocks(opened); !s) return std::unexpected(s.error());
  return std::unique_ptr<SeriesIndex>(new SeriesIndex(std::move(impl)));
}

Status SeriesIndex::Put(std::span<const Entry> entries) {
  if (entries.empty()) return {};
  rocksdb::WriteBatch batch;
  std::map<std::string, Roaring> postings;
  auto last = static_cast<uint64_t>(TRY(LastId()));
  for (const Entry& entry : entries) {
    const auto id = static_cast<uint64_t>(entry.id);
    const Labels labels = Labels::FromPacked(entry.packed_labels);
    batch.Put(impl_->families[kSeries], BigEndian(id), entry.packed_labels);
    batch.Put(impl_->families[kIds], BigEndian(labels.Hash()) + BigEndian(id), "");
    for (const auto& [name, value] : labels) {
      std::string key = PostingsPrefix(name, value);
      AppendBigEndian(key, id >> 32, kHalfBytes);
      postings[key].add(static_cast<uint32_t>(id));
    }
    last = std::max(last, id);
  }
  for (const auto& [key, bitmap] : postings) {
    batch.Merge(impl_->families[kPostings], key, SerializeBitmap(bitmap));
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

Result<std::vector<SeriesId>> SeriesIndex::Postings(std::string_view name,
                                                    std::string_view value) const {
  const std::string prefix = PostingsPrefix(name, value);
  const std::unique_ptr<rocksdb::Iterator> at(
      impl_->db->NewIterator(rocksdb::ReadOptions(), impl_->families[kPostings]));
  std::vector<SeriesId> ids;
  for (at->Seek(prefix); at->Valid() && at->key().starts_with(prefix); at->Next()) {
    const std::string_view half = at->key().ToStringView().substr(prefix.size());
    if (half.size() != kHalfBytes) continue;  // a longer value
    const std::optional<Roaring> bitmap = ParseBitmap(at->value().ToStringView());
    if (!bitmap) return Fail(ErrorCode::kCorruption, "series index: damaged postings");
    for (const uint32_t low : *bitmap) ids.push_back(SeriesId{LoadBigEndian(half) << 32 | low});
  }
  TRY(FromRocks(at->status()));
  std::ranges::sort(ids);
  return ids;
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
