#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "tsdb/ulid.h"

/// The folders of blocks: `<blocks>/<ULID>/`, each with `data`, `meta.json` and perhaps
/// `tombstones`. A folder that is being written or removed has the suffix `.tmp`: it is no block.
namespace barograph::tsdb {

inline constexpr std::string_view kBlockDataFile = "data";
inline constexpr std::string_view kBlockMetaFile = "meta.json";
inline constexpr std::string_view kBlockTombstonesFile = "tombstones";
inline constexpr std::string_view kUnfinishedSuffix = ".tmp";

std::string BlockPath(const std::string& blocks_directory, const Ulid& ulid);
std::string UnfinishedBlockPath(const std::string& blocks_directory, const Ulid& ulid);

/// The blocks that are there, oldest first. What has no name of a block is passed over.
Result<std::vector<Ulid>> ListBlocks(FileSystem& files, const std::string& blocks_directory);

/// Removes what a crash left half written or half removed. To be called before anything writes.
Status RemoveUnfinishedBlocks(FileSystem& files, const std::string& blocks_directory);

/// Removes a block such that a crash leaves it whole or not a block. Who has it open reads on.
Status RemoveBlock(FileSystem& files, const std::string& blocks_directory, const Ulid& ulid);

}  // namespace barograph::tsdb
