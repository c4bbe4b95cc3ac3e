#pragma once

#include <cstdint>
#include <vector>

#include "base/model/sample.h"
#include "base/storage/appendable.h"
#include "base/time.h"

/// The row that a scrape makes: which columns have a value, and which had one in the row before
/// and now end with a staleness marker.
namespace barograph::server {

/// Not thread-safe.
class ScrapeRow {
 public:
  /// Starts the next row, empty.
  void Begin();

  /// Gives `column` its value; false, and nothing happens, when it has one.
  bool Set(ColumnId column, double value) {
    if (column >= values_.size()) [[unlikely]]
      Grow(column);
    uint64_t& word = present_[column / 64];
    const uint64_t bit = uint64_t{1} << (column % 64);
    if (word & bit) [[unlikely]]
      return false;
    word |= bit;
    values_[column] = value;
    return true;
  }
  /// Gives `column` the value that it had in the last row. Precondition: it had one, and has none
  /// in this row yet.
  void Keep(ColumnId column) { present_[column / 64] |= uint64_t{1} << (column % 64); }

  /// When what the column counts began, from this row on. Precondition: it had a value before.
  void SetStart(ColumnId column, Timestamp start) {
    starts_.resize(values_.size(), kUnknownStart);
    starts_[column] = start;
  }

  bool Has(ColumnId column) const {
    return column < values_.size() && (present_[column / 64] >> (column % 64) & 1) != 0;
  }
  double value(ColumnId column) const { return values_[column]; }

  /// Takes back all that was set.
  void Discard();

  /// Sets a staleness marker in each column that the last row left alive and this one does not
  /// have, and makes this row the last one. Once a row, when all values are set.
  void Finish();

  /// The finished row; valid until the next Begin.
  Row row(Timestamp timestamp) const { return {timestamp, values_, present_, starts_}; }

 private:
  void Grow(ColumnId column);
  std::vector<double> values_;
  std::vector<uint64_t> present_;
  std::vector<Timestamp> starts_;  // empty, or parallel to values_ but for the newest columns
  std::vector<uint64_t> alive_;    // had a value, not a marker, in the last finished row
};

}  // namespace barograph::server
