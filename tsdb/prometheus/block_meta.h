#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "tsdb/ulid.h"

namespace barograph::tsdb::prometheus {

struct BlockStats {
  uint64_t samples = 0;  ///< floats and histograms
  uint64_t float_samples = 0;
  uint64_t histogram_samples = 0;
  uint64_t series = 0;
  uint64_t chunks = 0;
};

/// A block's meta.json: the fields that mean something to a reader or are Prometheus's to have.
struct BlockMeta {
  Ulid ulid;
  Timestamp min_time;
  Timestamp max_time;  ///< exclusive: samples are before it
  BlockStats stats;
  int level = 1;
  std::vector<Ulid> sources;  ///< the level 1 blocks that it was made of
  std::vector<Ulid> parents;  ///< the blocks that it replaces
};

/// `path` is for errors. Corruption when it is no JSON or lacks what a block must have;
/// InvalidArgument when the version is not 1.
Result<BlockMeta> ParseBlockMeta(std::string_view json, std::string_view path);
std::string PrintBlockMeta(const BlockMeta& meta);

}  // namespace barograph::tsdb::prometheus
