#include "tsdb/block_folder.h"

#include <algorithm>
#include <set>

#include "tsdb/block/block_files.h"

namespace barograph::tsdb {
namespace {

constexpr std::string_view kDamaged = ".damaged";

Status SetAside(FileSystem& files, const std::string& path, const Error& error,
                const Logger& logger) {
  const std::string aside = path + std::string(kDamaged);
  logger.Error("A block is damaged and set aside", {{"err", error}, {"kept_as", aside}});
  return files.Rename(path, aside);
}

// A crash may come after a merge was made and before what it was made of is gone.
Status RemoveParents(FileSystem& files, const std::string& directory,
                     std::vector<std::shared_ptr<const Block>>& blocks) {
  std::set<Ulid> parents;
  for (const auto& block : blocks) {
    parents.insert(block->meta().origin.parents.begin(), block->meta().origin.parents.end());
  }
  Status removed;
  std::erase_if(blocks, [&](const auto& block) {
    if (!parents.contains(block->meta().ulid())) return false;
    if (Status s = RemoveBlock(files, directory, block->meta().ulid()); !s) removed = s;
    return true;
  });
  return removed;
}

}  // namespace

Result<LoadedBlocks> LoadBlocks(FileSystem& files, const std::string& directory,
                                const Logger& logger) {
  TRY(files.CreateDirectories(directory));
  TRY(RemoveUnfinishedBlocks(files, directory));
  LoadedBlocks loaded;
  for (const DirectoryEntry& entry : TRY(files.List(directory))) {
    loaded.damaged += entry.name.ends_with(kDamaged);
  }
  for (const Ulid& ulid : TRY(ListBlocks(files, directory))) {
    const std::string path = BlockPath(directory, ulid);
    auto block = Block::Open(files, path);
    if (block) {
      loaded.blocks.push_back(std::move(*block));
      continue;
    }
    // What may work later is not set aside.
    const ErrorCode code = block.error().code;
    if (code != ErrorCode::kCorruption && code != ErrorCode::kNotFound) {
      return std::unexpected(block.error());
    }
    TRY(SetAside(files, path, block.error(), logger));
    ++loaded.damaged;
  }
  TRY(RemoveParents(files, directory, loaded.blocks));
  return loaded;
}

}  // namespace barograph::tsdb
