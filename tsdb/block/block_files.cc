#include "tsdb/block/block_files.h"

#include <optional>

namespace barograph::tsdb {
namespace {

bool IsUnfinished(std::string_view name) {
  if (!name.ends_with(kUnfinishedSuffix)) return false;
  name.remove_suffix(kUnfinishedSuffix.size());
  return Ulid::Parse(name).has_value();
}

}  // namespace

std::string BlockPath(const std::string& blocks_directory, const Ulid& ulid) {
  return blocks_directory + "/" + ulid.ToString();
}

std::string UnfinishedBlockPath(const std::string& blocks_directory, const Ulid& ulid) {
  return BlockPath(blocks_directory, ulid).append(kUnfinishedSuffix);
}

Result<std::vector<Ulid>> ListBlocks(FileSystem& files, const std::string& blocks_directory) {
  std::vector<Ulid> ulids;
  for (const DirectoryEntry& entry : TRY(files.List(blocks_directory))) {
    const std::optional<Ulid> ulid = Ulid::Parse(entry.name);
    if (entry.is_directory && ulid.has_value()) ulids.push_back(*ulid);
  }
  return ulids;
}

Status RemoveUnfinishedBlocks(FileSystem& files, const std::string& blocks_directory) {
  for (const DirectoryEntry& entry : TRY(files.List(blocks_directory))) {
    if (!entry.is_directory || !IsUnfinished(entry.name)) continue;
    TRY(files.RemoveAll(blocks_directory + "/" + entry.name));
  }
  return {};
}

Status RemoveBlock(FileSystem& files, const std::string& blocks_directory, const Ulid& ulid) {
  const std::string unfinished = UnfinishedBlockPath(blocks_directory, ulid);
  TRY(files.Rename(BlockPath(blocks_directory, ulid), unfinished));
  TRY(files.SyncDirectory(blocks_directory));
  return files.RemoveAll(unfinished);
}

}  // namespace barograph::tsdb
