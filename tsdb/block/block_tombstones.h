#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/model/sample.h"
#include "base/result.h"
#include "base/time.h"

namespace barograph::tsdb {

/// The stretches of time that are deleted of a block's series. A value; safe to read from many
/// threads. Format: docs/formats/block.md.
class BlockTombstones {
 public:
  void Add(SeriesId id, TimeRange range);
  void Add(const BlockTombstones& other);

  /// Forgets the ranges that end before `time`; whether there were any.
  bool DropBefore(Timestamp time);

  bool empty() const { return ranges_.empty(); }
  size_t series() const { return ranges_.size(); }

  /// Ascending, apart from each other; empty for a series of which nothing is deleted.
  std::span<const TimeRange> RangesOf(SeriesId id) const;

  std::string Encode() const;

  /// Takes exactly what Encode made; Corruption otherwise.
  static Result<BlockTombstones> Decode(std::string_view bytes);

  bool operator==(const BlockTombstones&) const = default;

 private:
  std::map<SeriesId, std::vector<TimeRange>> ranges_;
};

}  // namespace barograph::tsdb
