#include "tsdb/prometheus/block.h"

#include <algorithm>
#include <set>
#include <utility>

#include "tsdb/prometheus/file_format.h"

namespace barograph::tsdb::prometheus {
namespace {

std::string Join(const std::string& folder, std::string_view name) {
  return folder + "/" + std::string(name);
}

Result<BlockMeta> ReadMeta(FileSystem& files, const std::string& folder) {
  const std::string path = Join(folder, kMetaFile);
  return ParseBlockMeta(TRY(files.ReadFile(path)), path);
}

Result<Tombstones> ReadTombstones(FileSystem& files, const std::string& folder) {
  const std::string path = Join(folder, kTombstonesFile);
  if (!files.Exists(path)) return Tombstones();
  return Tombstones::Parse(TRY(files.Map(path))->bytes(), path);
}

}  // namespace

Block::Block(std::string folder, BlockMeta meta, IndexReader index, ChunkSegments chunks,
             Tombstones tombstones)
    : folder_(std::move(folder)),
      meta_(std::move(meta)),
      index_(std::move(index)),
      chunks_(std::move(chunks)),
      tombstones_(std::move(tombstones)) {}

Result<std::unique_ptr<Block>> Block::Open(FileSystem& files, const std::string& folder) {
  BlockMeta meta = TRY(ReadMeta(files, folder));
  IndexReader index = TRY(IndexReader::Open(files, Join(folder, kIndexFile)));
  ChunkSegments chunks = TRY(ChunkSegments::Open(files, Join(folder, kChunksFolder)));
  Tombstones tombstones = TRY(ReadTombstones(files, folder));
  return std::unique_ptr<Block>(new Block(folder, std::move(meta), std::move(index),
                                          std::move(chunks), std::move(tombstones)));
}

Status Block::Read(size_t index, BlockSeries& out) const {
  out.labels = Labels();
  out.samples.Clear();
  IndexedSeries series = TRY(index_.Series(index));
  out.labels = std::move(series.labels);
  Status read;
  for (const ChunkMeta& chunk : series.chunks) {
    read = chunks_.Read(chunk.reference, out.samples);
    if (!read.has_value()) break;
  }
  out.samples.SortByTime();
  out.samples.Remove(tombstones_.Of(series.reference));
  return read;
}

Result<BlockList> ListBlocks(FileSystem& files, const std::string& directory) {
  BlockList list;
  std::set<Ulid> replaced;
  for (const DirectoryEntry& entry : TRY(files.List(directory))) {
    if (!entry.is_directory || !Ulid::Parse(entry.name)) continue;
    const std::string folder = Join(directory, entry.name);
    Result<BlockMeta> meta = ReadMeta(files, folder);
    if (!meta.has_value()) {
      list.broken.push_back(std::move(meta).error());
      continue;
    }
    replaced.insert(meta->parents.begin(), meta->parents.end());
    list.blocks.push_back({folder, std::move(*meta)});
  }
  std::erase_if(list.blocks,
                [&](const FoundBlock& block) { return replaced.contains(block.meta.ulid); });
  std::ranges::sort(list.blocks, {}, [](const FoundBlock& block) {
    return std::pair(block.meta.min_time, block.meta.ulid);
  });
  return list;
}

}  // namespace barograph::tsdb::prometheus
