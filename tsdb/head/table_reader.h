#pragma once

#include <map>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/storage/queryable.h"
#include "tsdb/chunk/value_codec.h"
#include "tsdb/head/sample_columns.h"
#include "tsdb/head/table.h"

namespace barograph::tsdb {

/// How much of a table is seen.
struct RowLimit {
  uint64_t late_appends = 0;  ///< of the table, before its rows were counted
  uint64_t rows = 0;
};

/// A table as a selection sees it: rows that come later are not part of it.
struct SelectedTable {
  std::shared_ptr<const Table> table;
  RowLimit limit;

  static RowLimit LimitNow(const Table& table) {
    const uint64_t late_appends = table.late_appends();
    return {late_appends, table.rows()};
  }
};

/// Reads series of tables. Keeps the view of the table it read last, so that the timestamps of a
/// target's series are decoded once when they are read one after the other. One thread at a time.
class TableReader {
 public:
  /// `tables` must outlive the reader. `presence_only` as in SelectHints.
  TableReader(std::span<const SelectedTable> tables, TimeRange range, bool presence_only,
              DamagedRuns damaged)
      : tables_(tables),
        range_(range),
        damaged_(damaged),
        decode_(presence_only ? DecodeMarkers : DecodeValues) {}

  /// The samples of `series`, likely in column `guess`, of tables[index] in the range. The spans
  /// live until the next call. Two results with one timestamp_column share their timestamps.
  Result<SeriesSamples> Read(uint32_t index, SeriesId series, ColumnId guess);

  /// The start timestamps of `series` there, as Read gives samples: likely in the column after that
  /// of the call before.
  Result<SeriesSamples> ReadStarts(uint32_t index, SeriesId series);

  /// Whether series of the table got late samples since its rows were counted. Who sees those must
  /// see the rows that were there before them: until ForgetNewRows those of this moment count.
  bool TakeNewRows(uint32_t index);
  void ForgetNewRows();

 private:
  static constexpr uint32_t kNoTable = ~uint32_t{0};

  RowLimit LimitOf(uint32_t index) const;
  Status LoadView(uint32_t index);
  Status Decode(uint32_t index, SeriesId series, ColumnId guess);
  Status DecodeRuns(SeriesId series, ColumnId guess);
  void MarkPresent(size_t first_row, RowMask rows);
  SeriesSamples Contiguous(uint32_t index, size_t first);
  SeriesSamples Scattered();

  std::span<const SelectedTable> tables_;
  const TimeRange range_;
  const DamagedRuns damaged_;
  const DecodeRun decode_;
  std::map<uint32_t, RowLimit> new_limits_;  // by table, in place of the selection's

  uint32_t loaded_ = kNoTable;
  TableView view_;
  size_t begin_ = 0, end_ = 0;  // the view's rows in the range

  ColumnId found_ = 0;         // where the last series was found in a run
  ColumnId starts_guess_ = 0;  // where the next start timestamps may be

  std::vector<double> values_;     // by row of the view's runs and tail
  std::vector<uint64_t> present_;  // parallel
  SampleColumns compact_;
};

}  // namespace barograph::tsdb
