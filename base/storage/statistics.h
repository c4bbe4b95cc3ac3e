#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"

/// What storage tells of what it holds, for those who look for the source of its growth.
namespace barograph {

struct NamedCount {
  std::string name;
  uint64_t count = 0;
};

/// Of the series in memory. The lists have the largest counts, in descending order, then by name.
struct HeadStatistics {
  uint64_t series = 0;
  uint64_t label_pairs = 0;  ///< different ones
  uint64_t chunks = 0;
  TimeRange range;  ///< of the samples; min is above max where there are none

  std::vector<NamedCount> series_by_metric;
  std::vector<NamedCount> values_by_label;
  std::vector<NamedCount> value_bytes_by_label;  ///< a value counts once for each of its series
  std::vector<NamedCount> series_by_pair;        ///< the name is name=value
};

/// Of an immutable block of samples.
struct BlockStatistics {
  std::string ulid;
  TimeRange range;                   ///< of its samples, both ends included
  uint32_t level = 1;                ///< how often it was merged, and one
  std::vector<std::string> sources;  ///< the ULIDs of the first blocks that its samples were in
  uint64_t series = 0;
  uint64_t float_samples = 0;
  uint64_t histogram_samples = 0;
  uint64_t bytes = 0;
};

/// Something that keeps count. Thread-safe.
class StatisticsSource {
 public:
  virtual ~StatisticsSource() = default;

  /// With at most `limit` entries in each list, which must not be 0. Goes over all label pairs in
  /// memory.
  virtual HeadStatistics CountHead(size_t limit) const = 0;

  /// The blocks, oldest first.
  virtual std::vector<BlockStatistics> CountBlocks() const = 0;
};

}  // namespace barograph
