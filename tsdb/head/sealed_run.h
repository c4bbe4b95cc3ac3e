#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/model/sample.h"
#include "base/result.h"
#include "base/storage/appendable.h"
#include "base/time.h"
#include "tsdb/bitmap.h"
#include "tsdb/chunk/value_codec.h"

namespace barograph::tsdb {

class Tail;

/// Some rows of a scrape table, compressed: the shared column of timestamps and one chunk a
/// series, in one piece of memory that names no address, so that it can as well be mapped from a
/// file. Immutable and thread-safe.
///
///   run     := offset{columns + 1} partial{partials} timestamps chunk{columns}
///   offset  := u32, little-endian: where the column's chunk starts, from the first chunk's start
///   partial := column u32, rows u64 u64: a column that does not have every row
///
/// A chunk holds the values of the rows that its column has (tsdb/chunk/value_codec.h).
class SealedRun {
 public:
  /// The series of each column, kNoSeries where a column had none; most runs of a table share one.
  using Columns = std::shared_ptr<const std::vector<SeriesId>>;

  /// Compresses the rows of `tail`. Precondition: it has rows, and columns->size() is its width.
  static std::shared_ptr<const SealedRun> Build(const Tail& tail, Columns columns,
                                                ValueEncoder& encoder);

  size_t rows() const { return rows_; }
  TimeRange range() const { return range_; }

  /// Precondition: out.size() is rows().
  Status DecodeTimestamps(std::span<Timestamp> out) const;

  static constexpr size_t kNotFound = ~size_t{0};

  /// The column of `series`, which is likely to be `guess`, or kNotFound.
  size_t Find(SeriesId series, ColumnId guess) const;

  RowMask Present(size_t column) const;

  /// Fills `out`, which is rows() long, with the column's values; where Present has no bit the
  /// value means nothing.
  Status DecodeValues(size_t column, std::span<double> out) const;

  const Columns& columns() const { return columns_; }

 private:
  SealedRun() = default;
  uint32_t Offset(size_t column) const;

  size_t rows_ = 0;
  TimeRange range_;
  Columns columns_;
  uint32_t partials_ = 0;
  uint32_t chunks_at_ = 0;
  std::string bytes_;
};

}  // namespace barograph::tsdb
