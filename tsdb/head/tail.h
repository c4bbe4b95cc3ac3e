#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/time.h"
#include "tsdb/bitmap.h"
#include "tsdb/decimal.h"
#include "tsdb/wal/row_codec.h"

/// The newest rows of a scrape table, in memory, until they are sealed into a run.
///
/// A column keeps its last value and, for each row, the change that led to the row's value: in
/// units of the column's decimal places, as integers of 1, 2, 4 or 8 bytes, widened when a change
/// does not fit. A column that did not change within the tail has no bytes at all, and an
/// unchanged value costs no work: its zero is there already. Reading goes back from the last value.
/// Where a decimal mode fails, the changes are those of the double's bits, 8 bytes each.
///
/// A column's changes have room for as many rows as the tail before this one had, and one more;
/// when that is full, for half as many more. Tables that are sealed after a few rows, so that the
/// log can be cut, do not pay for kRows.
namespace barograph::tsdb {

/// Not thread-safe; the Table that owns it locks.
class Tail {
 public:
  static constexpr size_t kRows = 60;

  size_t rows() const { return rows_; }
  size_t width() const { return last_.size(); }
  std::span<const Timestamp> timestamps() const { return {timestamps_.data(), rows_}; }
  Timestamp last_timestamp() const { return timestamps_[rows_ - 1]; }

  /// What the next row's values are told against.
  CodingState coding() const { return {last_, mode_}; }

  /// Grows to `width` columns.
  void Widen(size_t width);

  /// Makes `column` new: state {0, 0}. Precondition: it has no values in the tail.
  void ResetColumn(ColumnId column);

  bool HasValues(ColumnId column) const { return first_row_[column] != kNoRow; }
  RowMask Present(ColumnId column) const;
  bool IsPresentInLastRow(ColumnId column) const;

  /// Adds a row. `present` and `changes` are as EncodeRow and DecodeRow give them, `present`
  /// within the width. Preconditions: rows() < kRows; `timestamp` is above the last.
  void Append(Timestamp timestamp, std::span<const uint64_t> present,
              std::span<const RowChange> changes);

  /// Adds values to the last row, of columns that are absent in it.
  void Amend(std::span<const uint64_t> present, std::span<const RowChange> changes);

  /// Fills out[i] for all rows, which are rows(); only those in Present(column) mean anything.
  void Decode(ColumnId column, std::span<double> out) const;

  /// Forgets the rows, and keeps the coding state; and gives spare room for more columns back.
  void Clear();

 private:
  static constexpr uint8_t kNoRow = 255;
  static constexpr size_t kLeastRoom = 8;
  using Special = std::pair<uint8_t, double>;  // row, value

  template <typename F>
  void ForEachList(F&& visit);
  void MarkPresent(std::span<const uint64_t> present, size_t row);
  void MarkGone(size_t column, size_t row);
  void MarkNew(size_t column, size_t row);
  void Apply(const RowChange& change, size_t row);
  void Store(const RowChange& change, size_t row);
  void SwitchMode(const RowChange& change, size_t row);
  bool FitsMode(ColumnId column, DecimalMode mode, std::span<const double> values) const;
  int64_t Change(double from, double to, DecimalMode mode) const;
  void Write(ColumnId column, size_t row, int64_t delta);
  void SetWidth(ColumnId column, uint8_t bytes);
  void MakeRoom();
  void AddSlot(std::vector<char>& changes, ColumnId column, uint8_t bytes);
  const char* AddressOf(ColumnId column, size_t row) const {
    return changes_.data() + slot_[column] + row * bytes_[column];
  }

  size_t rows_ = 0;
  size_t room_ = kLeastRoom;
  std::array<Timestamp, kRows> timestamps_;

  // Parallel, by column.
  std::vector<double> last_;
  std::vector<DecimalMode> mode_;
  std::vector<uint8_t> raw_;        // the tail's changes are of bits, whatever the mode is
  std::vector<uint8_t> bytes_;      // of one change: 0, 1, 2, 4, 8
  std::vector<uint8_t> first_row_;  // with a value, or kNoRow
  std::vector<uint32_t> slot_;      // where its room_ changes start in changes_

  std::vector<char> changes_;      // slots; one that was outgrown is dead until Clear
  std::vector<uint64_t> regular_;  // columns that are in every row since their first
  boost::unordered_flat_map<ColumnId, RowMask> masks_;  // of the others that have values
  boost::unordered_flat_map<ColumnId, std::vector<Special>> specials_;
};

}  // namespace barograph::tsdb
