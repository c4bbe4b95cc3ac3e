#include "tsdb/head/table.h"

#include <catch2/catch.hpp>

namespace barograph::tsdb {
namespace {

// Appends rows in which all columns change.
class Rows {
 public:
  explicit Rows(Table& table) : table_(table) {}

  void Append(std::span<const ColumnId> columns) {
    std::vector<uint64_t> present(1);
    std::vector<RowChange> changes;
    for (const ColumnId column : columns) {
      SetBit(present, column);
      changes.push_back({.column = column,
                         .kind = RowChange::Kind::kSet,
                         .mode = kRawBits,
                         .value = static_cast<double>(next_),
                         .delta = 0});
    }
    table_.Append(next_, FromMs(static_cast<int64_t>(next_)), present, changes);
    ++next_;
  }

 private:
  Table& table_;
  uint64_t next_ = 0;
};

std::vector<std::vector<SeriesId>> SeriesOfRuns(const Table& table) {
  std::vector<std::vector<SeriesId>> all;
  for (const auto& columns : table.ColumnSets()) all.push_back(*columns);
  return all;
}

TEST_CASE("a table's runs share the list of its series, and keep theirs when it changes") {
  Table table(1);
  ValueEncoder encoder;
  Rows rows(table);
  table.Assign(0, SeriesId{7});
  table.Assign(1, SeriesId{8});
  for (int run = 0; run < 2; ++run) {
    rows.Append(std::vector<ColumnId>{0, 1});
    table.Seal(encoder);
  }
  CHECK(SeriesOfRuns(table) == std::vector<std::vector<SeriesId>>{{SeriesId{7}, SeriesId{8}}});

  table.Release(1);
  table.Assign(1, SeriesId{9});
  CHECK(table.SeriesOf(1) == SeriesId{9});
  rows.Append(std::vector<ColumnId>{0, 1});
  table.Seal(encoder);
  table.Assign(2, SeriesId{8});
  rows.Append(std::vector<ColumnId>{2});
  table.Seal(encoder);
  CHECK(SeriesOfRuns(table) ==
        std::vector<std::vector<SeriesId>>{{SeriesId{7}, SeriesId{8}},
                                           {SeriesId{7}, SeriesId{9}},
                                           {SeriesId{7}, SeriesId{9}, SeriesId{8}}});
}

TEST_CASE("a table that has ended keeps what was sealed, and no columns") {
  Table table(1);
  ValueEncoder encoder;
  table.Assign(0, SeriesId{7});
  Rows(table).Append(std::vector<ColumnId>{0});
  TableView before;
  REQUIRE(table.View({kMinTimestamp, kMaxTimestamp}, 100, DamagedRuns::kFail, before));
  table.Seal(encoder);
  table.End();

  CHECK(table.width() == 0);
  CHECK(table.SeriesOf(0) == kNoSeries);
  CHECK(table.AllSeries() == std::vector{SeriesId{7}});
  CHECK_FALSE(table.HoldsNothing());
  // Whoever saw the tail is told to look again.
  double value = 0;
  RowMask present;
  CHECK(before.tail_rows == 1);
  CHECK_FALSE(table.ReadTail(SeriesId{7}, 0, before.tail_row, std::span(&value, 1), present));
  TableView view;
  REQUIRE(table.View({kMinTimestamp, kMaxTimestamp}, 100, DamagedRuns::kFail, view));
  REQUIRE(view.runs.size() == 1);
  REQUIRE(view.runs.front()->DecodeValues(0, std::span(&value, 1)));
  CHECK(value == 0);
  CHECK(view.tail_rows == 0);
  CHECK(table.ReadTail(SeriesId{7}, 0, view.tail_row, {}, present));
}

}  // namespace
}  // namespace barograph::tsdb
