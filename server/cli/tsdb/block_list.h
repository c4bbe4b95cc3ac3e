#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "tsdb/block/block_meta.h"

namespace barograph::server::cli {

/// The blocks of a data folder, oldest first, read from what each says of itself. Corruption or
/// InvalidArgument when one is damaged.
Result<std::vector<tsdb::BlockMeta>> ReadBlockList(FileSystem& files, const std::string& path);

/// A table, as promtool's: times in milliseconds and sizes in bytes, or readable by people. The
/// duration is from the first sample to the last; level 1 is cut from the head.
std::string FormatBlockList(std::span<const tsdb::BlockMeta> blocks, bool human_readable);

}  // namespace barograph::server::cli
