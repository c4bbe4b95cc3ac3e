#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/model/labels.h"
#include "base/result.h"
#include "tsdb/block/block.h"

/// Reads a whole block: to prove it, or to show it.
namespace barograph::tsdb {

/// A part of a block's data file that is not what was written, and what is lost with it.
struct BlockDamage {
  uint64_t offset = 0;  ///< in the data file
  uint64_t length = 0;
  std::string what;
  std::vector<SeriesId> series;  ///< that cannot be read, or whose labels cannot, ascending
};

struct BlockReport {
  uint64_t extents = 0;
  uint64_t series = 0;   ///< read without error, labels included
  uint64_t samples = 0;  ///< of these, but for what is deleted
  std::vector<BlockDamage> damage;
  bool good() const { return damage.empty(); }
};

/// Checks every extent and decodes every series. `check`, which may be empty, is called with the
/// labels of each whose labels can be read, and says what is wrong with them, or nothing. Damage is
/// no error but is reported; Cancelled when stopped.
using CheckLabels = std::function<std::string(SeriesId, const Labels&)>;
Result<BlockReport> VerifyBlock(const std::shared_ptr<const Block>& block, std::stop_token stop,
                                CheckLabels check = {});

/// What a block is made of.
struct BlockAnatomy {
  uint64_t extents = 0;
  uint64_t compressed_extents = 0;
  uint64_t columns = 0;         ///< of timestamps
  uint64_t column_bytes = 0;    ///< their extents, as stored
  uint64_t sample_bytes = 0;    ///< the extents of values, as stored
  uint64_t label_bytes = 0;     ///< the extents of labels and of their sets, as stored
  uint64_t inflated_bytes = 0;  ///< all extents, uncompressed
  uint64_t directory_bytes = 0;
};
BlockAnatomy DescribeBlock(const Block& block);

/// The extents one a line, with offset, sizes, and what they hold.
std::string DumpBlock(const Block& block);

}  // namespace barograph::tsdb
