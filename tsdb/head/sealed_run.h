#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/model/sample.h"
#include "base/result.h"
#include "base/storage/appendable.h"
#include "base/time.h"
#include "tsdb/bitmap.h"
#include "tsdb/chunk/value_codec.h"
#include "tsdb/head/run_files.h"

namespace barograph::tsdb {

class Tail;

/// What there is to know of a run's bytes.
struct RunShape {
  size_t rows = 0;
  TimeRange range;
  uint32_t partials = 0;
  uint32_t chunks_at = 0;  ///< where the first chunk starts
};

/// Some rows of a scrape table, compressed: the shared column of timestamps and one chunk a
/// series, in one piece that names no address: it is in memory, or mapped from a file
/// (tsdb/head/table_files.h). Immutable and thread-safe.
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

  /// A run over bytes that live as long as `owner`; `check` is null where they are known to be what
  /// was written. Corruption when the bytes do not have that shape; those to be checked later are
  /// not touched.
  static Result<std::shared_ptr<const SealedRun>> Over(RunShape shape, Columns columns,
                                                       std::string_view bytes,
                                                       std::shared_ptr<const void> owner,
                                                       std::shared_ptr<const LateCheck> check = {});

  /// The same run; precondition: `columns` are equal to its own.
  std::shared_ptr<const SealedRun> With(Columns columns) const;

  /// The same run where a copy of its bytes is, which is not touched.
  std::shared_ptr<const SealedRun> At(std::string_view bytes,
                                      std::shared_ptr<const void> owner) const;

  /// Whether the samples can be trusted. To be asked before any is read; the first call reads all
  /// of the run.
  bool IsIntact() const;

  /// What is wrong. Precondition: !IsIntact().
  Error Damage() const { return check_->Damage(); }

  const RunShape& shape() const { return shape_; }
  std::string_view bytes() const { return bytes_; }
  size_t rows() const { return shape_.rows; }
  TimeRange range() const { return shape_.range; }

  /// Precondition: out.size() is rows().
  Status DecodeTimestamps(std::span<Timestamp> out) const;

  static constexpr size_t kNotFound = ~size_t{0};

  /// The column of `series`, which is likely to be `guess`, or kNotFound.
  size_t Find(SeriesId series, ColumnId guess) const;

  RowMask Present(size_t column) const;

  /// Fills `out`, which is rows() long, with the column's values; where Present has no bit the
  /// value means nothing.
  Status DecodeValues(size_t column, std::span<double> out,
                      DecodeRun decode = tsdb::DecodeValues) const;

  const Columns& columns() const { return columns_; }

 private:
  SealedRun(RunShape shape, Columns columns, std::string_view bytes,
            std::shared_ptr<const void> owner, std::shared_ptr<const LateCheck> check);
  bool HasShape() const;
  bool IsWellFormed() const;
  uint32_t Offset(size_t column) const;

  const RunShape shape_;
  const Columns columns_;
  const std::string_view bytes_;
  const std::shared_ptr<const void> owner_;
  const std::shared_ptr<const LateCheck> check_;
};

}  // namespace barograph::tsdb
