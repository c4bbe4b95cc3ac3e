#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/model/sample.h"
#include "base/result.h"
#include "base/storage/appendable.h"
#include "base/time.h"
#include "tsdb/decimal.h"

/// The body of a log's row record: one scrape against the one before. Values that did not change
/// take a bit; a small change of an integer or decimal takes a byte and a quarter. The same pass
/// over the values finds the changes that the table's tail will store, so that nothing is looked
/// at twice.
///
/// Format: docs/formats/wal.md, "Row".
namespace barograph::tsdb {

/// The most columns that a table can have.
inline constexpr size_t kMaxColumns = 1 << 20;

/// What a column's next value is told against. A new column starts from {0, 0}. A staleness
/// marker leaves it as it is.
struct CodingState {
  std::span<const double> last;
  std::span<const DecimalMode> mode;
};

struct ColumnAssignment {
  ColumnId column;
  SeriesId series;
  bool resumed = false;  ///< the series had this column before, and goes on from its state
  bool operator==(const ColumnAssignment&) const = default;
};

/// What one row does to one column.
struct RowChange {
  enum class Kind : uint8_t {
    kDelta,    ///< same mode; `delta` is value - last in units of the mode
    kSet,      ///< another mode, or too far from the last value
    kSpecial,  ///< a sample that leaves the coding state alone: a staleness marker
    kState,    ///< no sample: a key row tells the state of an absent column
  };
  ColumnId column;
  Kind kind;
  DecimalMode mode;
  double value;
  int64_t delta;  ///< kDelta only; in kRawBits the wrapping difference of the bits
};

/// A row to encode. Spans of bits have WordsFor(state.last.size()) words or fewer.
struct RowInput {
  Timestamp timestamp;
  std::span<const double> values;     ///< where `present` has a bit there is a value
  std::span<const uint64_t> present;  ///< a subset of `assigned`
  std::span<const uint64_t> assigned;
  bool key = false;  ///< tell everything, so that the row can be read without those before

  /// Columns given up and taken since the last row; for a key row `assignments` is all columns in
  /// use, ascending.
  std::span<const ColumnId> releases;
  std::span<const ColumnAssignment> assignments;
};

/// What EncodeRow works in. Kept from row to row, of whatever table, it saves the allocations.
struct RowBuffers {
  std::vector<uint64_t> changed;  ///< columns, a bit each
  std::vector<uint8_t> modes;     ///< of a key row's columns, two a byte
  std::vector<uint8_t> codes;
  std::vector<char> data;
  std::vector<size_t> specials;  ///< indexes in the changes
};

/// Appends the row's body to `out` and replaces `changes` by what the row does to the columns.
void EncodeRow(const RowInput& row, CodingState state, RowBuffers& buffers, std::string& out,
               std::vector<RowChange>& changes);

/// A body's first part. `rest` is for DecodeRow, once the releases and assignments were applied.
struct RowHeader {
  Timestamp timestamp;
  bool key = false;
  bool sparse = false;    ///< a bitmap of present columns follows
  bool specials = false;  ///< staleness markers and the like follow
  size_t width = 0;
  std::vector<ColumnId> releases;
  std::vector<ColumnAssignment> assignments;
  std::string_view rest;
};

/// Corruption on bytes that EncodeRow cannot have written.
Result<RowHeader> ParseRowHeader(std::string_view body);

/// Fills `present` (WordsFor(header.width) words) and `changes`. `assigned` and `state` are the
/// table's after the header's edits, and at least header.width columns wide. Corruption as above.
Status DecodeRow(const RowHeader& header, std::span<const uint64_t> assigned, CodingState state,
                 std::vector<uint64_t>& present, std::vector<RowChange>& changes);

}  // namespace barograph::tsdb
