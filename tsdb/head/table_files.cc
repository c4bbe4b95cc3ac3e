#include "tsdb/head/table_files.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/bytes/byte_reader.h"
#include "base/bytes/varint.h"
#include "tsdb/wal/row_codec.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace barograph::tsdb {
namespace {

// No table has more columns: the log takes no wider row.
constexpr uint64_t kMaxWidth = kMaxColumns;

void AppendZigzag(std::string& out, int64_t value) { AppendVarint(out, ZigZag(value)); }

uint64_t HashOf(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

uint32_t ChecksumOf(std::string_view bytes) { return static_cast<uint32_t>(HashOf(bytes)); }

std::string EncodeSeries(const std::vector<SeriesId>& columns) {
  std::string out;
  uint64_t before = 0;
  for (const SeriesId id : columns) {
    AppendZigzag(out, static_cast<int64_t>(static_cast<uint64_t>(id) - before));
    before = static_cast<uint64_t>(id);
  }
  return out;
}

// What a restart has to know of a run; the series it mostly knows from the run before.
std::string EncodeHeader(const StoredRun& stored, std::string_view series) {
  const RunShape& shape = stored.run->shape();
  std::string out;
  AppendVarint(out, stored.table);
  AppendVarint(out, stored.first_row);
  AppendVarint(out, stored.next_sequence);
  AppendVarint(out, shape.rows);
  AppendZigzag(out, ToMs(shape.range.min));
  AppendVarint(out, static_cast<uint64_t>((shape.range.max - shape.range.min).count()));
  AppendVarint(out, shape.partials);
  AppendVarint(out, shape.chunks_at);
  AppendVarint(out, stored.run->columns()->size());
  AppendVarint(out, series.size());
  AppendVarint(out, HashOf(series));
  return out;
}

std::string Encode(const StoredRun& stored) {
  const std::string series = EncodeSeries(*stored.run->columns());
  const std::string header = EncodeHeader(stored, series);
  const uint32_t checksum = ChecksumOf(header);
  std::string out;
  out.reserve(kMaxVarintBytes + sizeof(checksum) + header.size() + series.size() +
              stored.run->bytes().size());
  AppendVarint(out, header.size());
  out.append(reinterpret_cast<const char*>(&checksum), sizeof(checksum));
  return out.append(header).append(series).append(stored.run->bytes());
}

/// The series of runs' columns, of which most have those of the run before in their table: these
/// are found by their hash, and shared, without a look at the bytes.
class ColumnLists {
 public:
  /// The ids that `bytes` have, which are `width` and have that hash; null where that is not so.
  SealedRun::Columns Find(uint64_t table, uint64_t width, uint64_t hash, std::string_view bytes) {
    Last& last = last_[table];
    if (last.columns != nullptr && last.columns->size() == width && last.hash == hash) {
      return last.columns;
    }
    if (HashOf(bytes) != hash) return nullptr;
    ByteReader numbers(bytes);
    auto columns = std::make_shared<std::vector<SeriesId>>();
    uint64_t id = 0;
    for (uint64_t c = 0; c < width && numbers.ok(); ++c) {
      id += static_cast<uint64_t>(numbers.Varint());
      columns->push_back(SeriesId{id});
    }
    if (!numbers.ok() || !numbers.at_end()) return nullptr;
    last = {hash, std::move(columns)};
    return last.columns;
  }

 private:
  struct Last {
    uint64_t hash = 0;
    SealedRun::Columns columns;
  };
  boost::unordered_flat_map<uint64_t, Last> last_;  // by table
};

// Splits a payload; false where its header is not what was written.
bool TakeHeader(std::string_view& payload, std::string_view& header) {
  ByteReader in(payload);
  const uint64_t size = in.Uvarint();
  uint32_t checksum = 0;
  const std::string_view checksum_bytes = in.Bytes(sizeof(checksum));
  header = in.Bytes(size);
  if (!in.ok()) return false;
  std::memcpy(&checksum, checksum_bytes.data(), sizeof(checksum));
  payload = in.rest();
  return ChecksumOf(header) == checksum;
}

Result<StoredRun> Decode(const RunFiles::Stored& payload, ColumnLists& lists) {
  std::string_view body = payload.bytes, header;
  if (!TakeHeader(body, header)) return Fail(ErrorCode::kCorruption, "not a table's run");
  ByteReader numbers(header);
  StoredRun stored;
  stored.table = numbers.Uvarint();
  stored.first_row = numbers.Uvarint();
  stored.next_sequence = numbers.Uvarint();
  RunShape shape;
  shape.rows = numbers.Uvarint();
  const int64_t begin_ms = numbers.Varint();
  shape.range = {FromMs(begin_ms), FromMs(begin_ms) + Duration(numbers.Uvarint())};
  shape.partials = static_cast<uint32_t>(numbers.Uvarint());
  shape.chunks_at = static_cast<uint32_t>(numbers.Uvarint());
  const uint64_t width = numbers.Uvarint();
  const uint64_t series_bytes = numbers.Uvarint();
  const uint64_t series_hash = numbers.Uvarint();
  if (!numbers.ok() || width > kMaxWidth || series_bytes > body.size()) {
    return Fail(ErrorCode::kCorruption, "not a table's run");
  }
  SealedRun::Columns columns =
      lists.Find(stored.table, width, series_hash, body.substr(0, series_bytes));
  if (columns == nullptr) return Fail(ErrorCode::kCorruption, "not the series of a table's run");
  stored.run = TRY(SealedRun::Over(shape, std::move(columns), body.substr(series_bytes),
                                   payload.owner, payload.check));
  return stored;
}

}  // namespace

Result<std::unique_ptr<TableFiles>> TableFiles::Open(FileSystem& files,
                                                     const std::string& directory, Logger logger,
                                                     const std::function<void(StoredRun)>& visit,
                                                     const std::function<void()>& on_damage) {
  std::unique_ptr<TableFiles> tables(new TableFiles);
  ColumnLists lists;
  const auto take = [&](const RunFiles::Stored& payload) {
    auto stored = Decode(payload, lists);
    if (!stored) {
      if (on_damage) on_damage();
      const std::string path = directory + "/tables-" + wal::SegmentName(payload.file);
      logger.Error("A run of scrapes cannot be read and is left out",
                   {{"file", path}, {"offset", payload.offset}, {"err", stored.error()}});
      return;
    }
    tables->NoteEnd(payload.file, stored->run->range().max);
    visit(std::move(*stored));
  };
  tables->files_ = TRY(RunFiles::Open(
      files,
      {.directory = directory, .prefix = "tables", .on_damage = on_damage, .check_late = true},
      logger, take));
  return tables;
}

Result<std::shared_ptr<const SealedRun>> TableFiles::Store(const StoredRun& run) {
  const RunFiles::Stored written = TRY(files_->Append(Encode(run)));
  NoteEnd(written.file, run.run->range().max);
  const std::string_view bytes =
      written.bytes.substr(written.bytes.size() - run.run->bytes().size());
  return run.run->At(bytes, written.owner);
}

void TableFiles::NoteEnd(uint64_t file, Timestamp end) {
  MutexLock lock(mutex_);
  const auto [entry, is_new] = ends_.try_emplace(file, end);
  entry->second = std::max(entry->second, end);
}

Status TableFiles::DropBefore(Timestamp cut) {
  std::optional<uint64_t> last;
  {
    MutexLock lock(mutex_);
    // The newest file is still being written.
    while (ends_.size() > 1 && ends_.begin()->second < cut) {
      last = ends_.begin()->first;
      ends_.erase(ends_.begin());
    }
  }
  return last ? files_->DropThrough(*last) : Status();
}

}  // namespace barograph::tsdb
