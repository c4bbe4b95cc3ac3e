#include "tsdb/head/tombstones.h"

namespace barograph::tsdb {

Status Tombstones::Load(FileSystem& files, const std::string& directory) {
  files_ = &files;
  path_ = directory + "/tombstones";
  if (!files.Exists(path_)) return {};
  auto ranges = BlockTombstones::Decode(TRY(files.ReadFile(path_)));
  if (!ranges) return std::unexpected(Annotate(std::move(ranges).error(), path_));
  WriterLock lock(mutex_);
  ranges_ = std::move(*ranges);
  empty_.store(ranges_.empty(), std::memory_order_release);
  return {};
}

Status Tombstones::Save() {
  std::string bytes;
  {
    WriterLock lock(mutex_);
    if (!dirty_) return {};
    bytes = ranges_.Encode();
    dirty_ = false;
  }
  Status saved = files_->WriteFile(path_, bytes);
  if (!saved) {
    WriterLock lock(mutex_);
    dirty_ = true;
  }
  return saved;
}

void Tombstones::Add(SeriesId id, TimeRange range) {
  WriterLock lock(mutex_);
  ranges_.Add(id, range);
  dirty_ = true;
  empty_.store(false, std::memory_order_release);
}

void Tombstones::DropBefore(Timestamp cut) {
  WriterLock lock(mutex_);
  if (!ranges_.DropBefore(cut)) return;
  dirty_ = true;
  empty_.store(ranges_.empty(), std::memory_order_release);
}

std::vector<TimeRange> Tombstones::RangesOf(SeriesId id) const {
  ReaderLock lock(mutex_);
  const std::span<const TimeRange> ranges = ranges_.RangesOf(id);
  return {ranges.begin(), ranges.end()};
}

}  // namespace barograph::tsdb
