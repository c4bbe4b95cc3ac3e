#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "tsdb/ulid.h"

/// What a block says of itself: its meta.json. Format: docs/formats/block.md.
namespace barograph::tsdb {

struct BlockStats {
  uint64_t series = 0;
  uint64_t samples = 0;
  uint64_t float_samples = 0;  ///< samples = float_samples + histogram_samples
  uint64_t histogram_samples = 0;
  uint64_t bytes = 0;  ///< of the data file
  bool operator==(const BlockStats&) const = default;
};

/// Where a block comes from; its writer is given this.
struct BlockOrigin {
  Ulid ulid;
  TimeRange window;           ///< the aligned stretch of time that it is for, both ends included
  uint32_t level = 1;         ///< 1 is cut from the head; a merge is one more than its inputs
  std::vector<Ulid> sources;  ///< the level-1 blocks whose samples it holds; empty is itself
  std::vector<Ulid> parents;  ///< what it was merged from
  bool operator==(const BlockOrigin&) const = default;
};

struct BlockMeta {
  BlockOrigin origin;
  TimeRange range;  ///< from the first to the last sample, both included
  BlockStats stats;

  const Ulid& ulid() const { return origin.ulid; }
  bool operator==(const BlockMeta&) const = default;
};

std::string ToJson(const BlockMeta& meta);

/// Takes what ToJson wrote, and unknown fields beside. InvalidArgument for anything else.
Result<BlockMeta> ParseBlockMeta(std::string_view json);

}  // namespace barograph::tsdb
