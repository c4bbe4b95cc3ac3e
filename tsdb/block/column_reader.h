#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/result.h"
#include "base/time.h"
#include "tsdb/block/block_data.h"
#include "tsdb/block/column_format.h"
#include "tsdb/block/extent.h"

namespace barograph::tsdb {

/// Successive rows of a column of timestamps: those within a range.
struct ColumnRows {
  std::span<const Timestamp> timestamps;
  uint64_t first_row = 0;  ///< which row of the column timestamps[0] is
  uint64_t rows = 0;       ///< of the whole column

  /// The column with exactly these timestamps in the range: another than the one asked for where
  /// that one has all rows of the other in the range.
  uint64_t same_as = 0;
};

/// Decodes the columns of a block, and keeps those decoded last: series of one target share one.
/// One thread at a time.
class ColumnReader {
 public:
  /// Keeps about `cached_timestamps`.
  ColumnReader(const BlockData& data, size_t cached_extents, size_t cached_timestamps);

  /// The rows of a column in `range`. Good until the next call.
  Result<ColumnRows> Read(uint64_t column, TimeRange range, Inflater& inflater);

 private:
  struct Kept {
    ColumnRows rows;
    std::vector<Timestamp> own;  ///< what rows.timestamps is a part of, where that is not another's
  };
  enum class Depth : uint8_t { kTop, kBase };

  Result<ColumnRows> Find(uint64_t column, Inflater& inflater, Depth depth);
  Result<ParsedColumn> Parse(uint64_t column, Inflater& inflater);
  Result<Kept> DecodeOwn(uint64_t column, const ParsedColumn& parsed) const;
  Result<Kept> TakePart(uint64_t column, const ParsedColumn& parsed, const ColumnRows& base) const;
  Result<Kept> TakePick(uint64_t column, const ParsedColumn& parsed, const ColumnRows& base) const;
  std::unexpected<Error> Damaged(uint64_t column) const;

  const BlockData& data_;
  RecentExtents<ColumnExtent> extents_;
  size_t capacity_;
  size_t kept_ = 0;  ///< timestamps in `columns_`
  TimeRange range_;
  boost::unordered_flat_map<uint64_t, Kept> columns_;  // their rows in range_
};

}  // namespace barograph::tsdb
