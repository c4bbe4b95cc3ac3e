#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "tsdb/block/block_format.h"

/// The bytes of one column of timestamps. docs/formats/block.md explains them. A column's own
/// timestamps stand in pieces of `piece_rows`, so that a read of some need not decode all.
namespace barograph::tsdb {

/// Precondition of all: timestamps ascend strictly, and there are some.
void AppendOwnColumn(std::span<const Timestamp> timestamps, size_t piece_rows, std::string& out);
void AppendPartColumn(uint64_t base, uint64_t first_row, uint64_t rows, std::string& out);

/// `bits` has a bit for each row of `base` from `first_row` on, of which `rows` are set.
void AppendPickColumn(uint64_t base, uint64_t first_row, uint64_t rows, std::string_view bits,
                      std::string& out);

struct ColumnPiece {
  Timestamp first;  ///< only known where there are several
  std::string_view bytes;
};

/// A column, taken apart but not decoded.
struct ParsedColumn {
  ColumnKind kind = ColumnKind::kOwn;
  uint64_t rows = 0;
  std::vector<ColumnPiece> pieces;  ///< of an own column
  uint64_t base = 0;                ///< of the others: whose rows they are,
  uint64_t first_row = 0;           ///< from where on,
  std::string_view bits;            ///< and which, for kPick
};

/// False where the bytes are malformed. Rows of `piece_rows` each come in all pieces but the last.
bool ParseColumn(std::string_view bytes, size_t piece_rows, ParsedColumn& column);

/// Appends the timestamps of pieces [first, last) of an own column. False where they are malformed
/// or do not ascend.
bool DecodePieces(const ParsedColumn& column, size_t piece_rows, size_t first, size_t last,
                  std::vector<Timestamp>& out);

}  // namespace barograph::tsdb
