#include "tsdb/block/block.h"

#include <algorithm>
#include <utility>

#include "tsdb/block/block_data.h"
#include "tsdb/block/block_files.h"
#include "tsdb/start_stream.h"

namespace barograph::tsdb {
namespace {

std::string Inside(const std::string& folder, std::string_view name) {
  return folder + "/" + std::string(name);
}

Result<BlockMeta> ReadMeta(FileSystem& files, const std::string& path, uint64_t checksum) {
  const std::string json = TRY(files.ReadFile(path));
  if (BlockChecksum(json, 0) != checksum) {
    return BlockCorruption(path, 0, "not as the block's data has it");
  }
  Result<BlockMeta> meta = ParseBlockMeta(json);
  if (!meta.has_value()) return BlockCorruption(path, 0, meta.error().message);
  return meta;
}

Result<BlockTombstones> ReadTombstones(FileSystem& files, const std::string& path) {
  if (!files.Exists(path)) return BlockTombstones();
  Result<BlockTombstones> tombstones = BlockTombstones::Decode(TRY(files.ReadFile(path)));
  if (!tombstones.has_value()) return BlockCorruption(path, 0, tombstones.error().message);
  return tombstones;
}

Result<uint64_t> BytesIn(FileSystem& files, const std::string& folder) {
  uint64_t bytes = 0;
  for (const DirectoryEntry& entry : TRY(files.List(folder))) bytes += entry.size;
  return bytes;
}

}  // namespace

Result<std::shared_ptr<const Block>> Block::Open(FileSystem& files, const std::string& path) {
  const std::shared_ptr<Block> block(new Block);
  block->path_ = path;
  block->data_ = TRY(BlockData::Open(files, Inside(path, kBlockDataFile)));
  block->meta_ =
      TRY(ReadMeta(files, Inside(path, kBlockMetaFile), block->data_->footer().meta_checksum));
  block->tombstones_ = TRY(ReadTombstones(files, Inside(path, kBlockTombstonesFile)));
  block->disk_bytes_ = TRY(BytesIn(files, path));
  return block;
}

std::optional<uint64_t> Block::PositionOf(SeriesId id) const {
  return data_->directory().PositionOf(id);
}

std::optional<SeriesId> Block::FirstIdAbove(SeriesId id) const {
  const std::optional<SeriesId> next = data_->directory().FirstIdAbove(id);
  return next && IsStartStream(*next) ? std::nullopt : next;
}

Result<std::vector<SeriesId>> Block::Ids() const {
  std::vector<SeriesId> ids;
  std::vector<uint64_t> positions;
  if (data_->directory().ReadAll(ids, positions)) {
    ids.erase(std::ranges::lower_bound(ids, StartStreamOf(kNoSeries)), ids.end());
    return ids;
  }
  return BlockCorruption(data_->path(), data_->footer().directory_offset,
                         "malformed series in the directory");
}

Result<std::vector<SeriesId>> Block::IdsByPosition() const {
  std::vector<SeriesId> ids;
  std::vector<uint64_t> positions;
  bool good = data_->directory().ReadAll(ids, positions);
  std::vector<SeriesId> ordered(ids.size(), kNoSeries);
  for (size_t i = 0; i < ids.size() && good; ++i) {
    good = positions[i] < ordered.size() && ordered[positions[i]] == kNoSeries;
    if (good) ordered[positions[i]] = ids[i];
  }
  if (good) return ordered;
  return BlockCorruption(data_->path(), data_->footer().directory_offset,
                         "malformed series in the directory");
}

Result<std::shared_ptr<const Block>> Block::AddTombstones(FileSystem& files,
                                                          const BlockTombstones& added) const {
  const std::shared_ptr<Block> block(new Block(*this));
  block->tombstones_.Add(added);
  TRY(files.WriteFile(Inside(path_, kBlockTombstonesFile), block->tombstones_.Encode()));
  block->disk_bytes_ = TRY(BytesIn(files, path_));
  return block;
}

}  // namespace barograph::tsdb
