#pragma once

#include <cstdint>
#include <span>

namespace barograph::tsdb {

/// Sorts up to kBlockSize integers in the order of int64_t. Planning a block spends most of its
/// time here, and integers that are near each other are sorted by their low bytes in a third of
/// std::sort's time.
void SortSigned(std::span<uint64_t> integers);

}  // namespace barograph::tsdb
