#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/log.h"
#include "base/result.h"
#include "tsdb/block/block.h"

/// The folder that holds a database's blocks, each in a folder named by its ULID.
namespace barograph::tsdb {

struct LoadedBlocks {
  std::vector<std::shared_ptr<const Block>> blocks;
  size_t damaged = 0;  ///< set aside now or earlier
};

/// Opens all blocks. What a crash left half-made is removed; a block that cannot be read is set
/// aside (renamed to *.damaged), and the others are served. InvalidArgument where a block is of
/// another version of the format. So are parents of a merge which were not removed any more: the
/// merge stands for them.
Result<LoadedBlocks> LoadBlocks(FileSystem& files, const std::string& directory,
                                const Logger& logger);

}  // namespace barograph::tsdb
