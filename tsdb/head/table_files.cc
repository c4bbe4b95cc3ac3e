#include "tsdb/head/table_files.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/bytes/varint.h"
#include "tsdb/wal/row_codec.h"

namespace barograph::tsdb {
namespace {

// No table has more columns: the log takes no wider row.
constexpr uint64_t kMaxWidth = kMaxColumns;

void AppendZigzag(std::string& out, int64_t value) { AppendVarint(out, ZigZag(value)); }

std::string Encode(const StoredRun& stored) {
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
  uint64_t before = 0;
  for (const SeriesId id : *stored.run->columns()) {
    AppendZigzag(out, static_cast<int64_t>(static_cast<uint64_t>(id) - before));
    before = static_cast<uint64_t>(id);
  }
  return out.append(stored.run->bytes());
}

/// Takes numbers from the front of a payload; once one is missing, all are 0.
class Numbers {
 public:
  explicit Numbers(std::string_view bytes) : bytes_(bytes) {}

  uint64_t Take() {
    uint64_t value = 0;
    const char* next = GetVarint(bytes_.data(), bytes_.data() + bytes_.size(), value);
    if (next == nullptr) {
      bytes_ = {};
      ok_ = false;
      return 0;
    }
    bytes_.remove_prefix(static_cast<size_t>(next - bytes_.data()));
    return value;
  }
  int64_t TakeZigzag() { return UnZigZag(Take()); }
  void Skip(size_t bytes) { bytes_.remove_prefix(bytes); }
  std::string_view rest() const { return bytes_; }
  bool ok() const { return ok_; }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

/// The series of runs' columns, of which most have those of the run before in their table: these
/// are found by their bytes, and shared.
class ColumnLists {
 public:
  /// Takes `width` ids off the numbers; null where they are not there.
  SealedRun::Columns Take(uint64_t table, uint64_t width, const RunFiles::Stored& payload,
                          Numbers& numbers) {
    Last& last = last_[table];
    if (last.columns != nullptr && last.columns->size() == width &&
        numbers.rest().starts_with(last.bytes)) {
      numbers.Skip(last.bytes.size());
      return last.columns;
    }
    const std::string_view begin = numbers.rest();
    auto columns = std::make_shared<std::vector<SeriesId>>();
    uint64_t id = 0;
    for (uint64_t c = 0; c < width && numbers.ok(); ++c) {
      id += static_cast<uint64_t>(numbers.TakeZigzag());
      columns->push_back(SeriesId{id});
    }
    if (!numbers.ok()) return nullptr;
    last = {payload.owner, begin.substr(0, begin.size() - numbers.rest().size()),
            std::move(columns)};
    return last.columns;
  }

 private:
  struct Last {
    std::shared_ptr<const FileContents> owner;
    std::string_view bytes;
    SealedRun::Columns columns;
  };
  boost::unordered_flat_map<uint64_t, Last> last_;  // by table
};

Result<StoredRun> Decode(const RunFiles::Stored& payload, ColumnLists& lists) {
  Numbers numbers(payload.bytes);
  StoredRun stored;
  stored.table = numbers.Take();
  stored.first_row = numbers.Take();
  stored.next_sequence = numbers.Take();
  RunShape shape;
  shape.rows = numbers.Take();
  const int64_t begin_ms = numbers.TakeZigzag();
  shape.range = {FromMs(begin_ms), FromMs(begin_ms) + Duration(numbers.Take())};
  shape.partials = static_cast<uint32_t>(numbers.Take());
  shape.chunks_at = static_cast<uint32_t>(numbers.Take());
  const uint64_t width = numbers.Take();
  if (!numbers.ok() || width > kMaxWidth) return Fail(ErrorCode::kCorruption, "not a table's run");
  SealedRun::Columns columns = lists.Take(stored.table, width, payload, numbers);
  if (columns == nullptr) return Fail(ErrorCode::kCorruption, "not a table's run");
  stored.run = TRY(SealedRun::Over(shape, std::move(columns), numbers.rest(), payload.owner));
  return stored;
}

}  // namespace

Result<std::unique_ptr<TableFiles>> TableFiles::Open(FileSystem& files,
                                                     const std::string& directory, Logger logger,
                                                     const std::function<void(StoredRun)>& visit) {
  std::unique_ptr<TableFiles> tables(new TableFiles);
  ColumnLists lists;
  const auto take = [&](const RunFiles::Stored& payload) {
    auto stored = Decode(payload, lists);
    if (!stored) {
      logger.Error("A run of scrapes cannot be read and is left out",
                   {{"file", payload.file}, {"err", stored.error()}});
      return;
    }
    tables->NoteEnd(payload.file, stored->run->range().max);
    visit(std::move(*stored));
  };
  tables->files_ =
      TRY(RunFiles::Open(files, {.directory = directory, .prefix = "tables"}, logger, take));
  return tables;
}

Result<std::shared_ptr<const SealedRun>> TableFiles::Store(const StoredRun& run) {
  const RunFiles::Stored written = TRY(files_->Append(Encode(run)));
  NoteEnd(written.file, run.run->range().max);
  const std::string_view bytes =
      written.bytes.substr(written.bytes.size() - run.run->bytes().size());
  return SealedRun::Over(run.run->shape(), run.run->columns(), bytes, written.owner);
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
