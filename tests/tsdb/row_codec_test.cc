#include "tsdb/wal/row_codec.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <random>

#include "tsdb/bitmap.h"
#include "tsdb/head/table.h"

namespace barograph::tsdb {
namespace {

const double kOddValues[] = {0,         -0.0,       1,       -1,     0.1,
                             0.25,      1e-14,      1e300,   5e-324, kInf,
                             -kInf,     123456,     0x1p51,  1e15,   3.14,
                             kStaleNan, 0.3,        1.0 / 3, 1e22,   7e9,
                             -2.5,      kNormalNan, 99.99,   1e-9,   4503599627370497.5};

// A stream of values like those of a metric of some kind.
class Generator {
 public:
  Generator(std::mt19937_64& random, int kind) : random_(&random), kind_(kind) {}

  double Next() {
    switch (kind_) {
      case 0: return 42;
      case 1: return counter_ += static_cast<double>((*random_)() % 200);
      case 2: return static_cast<double>((*random_)() % 100000) / 100;
      case 3: return std::bit_cast<double>((*random_)());
      case 4:
        return (*random_)() % 5 == 0 ? kOddValues[(*random_)() % std::size(kOddValues)] : counter_;
      case 5: return counter_ += static_cast<double>((*random_)() % 3) * 4096;
      default: return std::sin(static_cast<double>((*random_)() % 1000));
    }
  }

 private:
  std::mt19937_64* random_;
  int kind_;
  double counter_ = 1000;
};

struct Cell {
  size_t row;
  double value;
};
using Oracle = std::map<uint64_t, std::vector<Cell>>;  // by series, rows ascending

void CheckTable(const Table& table, const Oracle& oracle, const std::vector<Timestamp>& times) {
  TableView view;
  REQUIRE(table.View({}, ~uint64_t{0}, DamagedRuns::kFail, view));
  REQUIRE(view.timestamps == times);
  for (const auto& [series, cells] : oracle) {
    std::vector<Cell> found;
    size_t first = 0;
    const auto collect = [&](RowMask present, std::span<const double> values) {
      for (size_t r = 0; r < values.size(); ++r) {
        if (present.Test(r)) found.push_back({first + r, values[r]});
      }
      first += values.size();
    };
    for (const auto& run : view.runs) {
      std::vector<double> values(run->rows());
      const size_t column = run->Find(SeriesId{series}, 0);
      if (column == SealedRun::kNotFound) {
        first += values.size();
        continue;
      }
      REQUIRE(run->DecodeValues(column, values));
      collect(run->Present(column), values);
    }
    std::vector<double> tail(view.tail_rows);
    RowMask present;
    REQUIRE(table.ReadTail(SeriesId{series}, 0, view.tail_row, tail, present));
    collect(present, tail);
    REQUIRE(found.size() == cells.size());
    for (size_t i = 0; i < found.size(); ++i) {
      REQUIRE(found[i].row == cells[i].row);
      REQUIRE(SameBits(found[i].value, cells[i].value));
    }
  }
}

}  // namespace

TEST_CASE("A table written, and one replayed from its rows, both hold exactly what was put in") {
  const auto seed = GENERATE(range(1, 21));
  std::mt19937_64 random(static_cast<uint64_t>(seed));
  Table written(1), replayed(1);
  ValueEncoder encoder;
  Oracle oracle;
  std::vector<Timestamp> times;
  std::map<ColumnId, uint64_t> columns;
  std::map<ColumnId, Generator> generators;
  std::vector<ColumnId> releases;
  std::vector<ColumnAssignment> assignments;
  uint64_t next_series = 1;
  const int rows = 200 + static_cast<int>(random() % 200);

  for (int r = 0; r < rows; ++r) {
    // Some columns come and go.
    const size_t adds = r == 0 ? 1 + random() % 150 : random() % 20 == 0 ? random() % 5 : 0;
    for (size_t i = 0; i < adds; ++i) {
      const ColumnId column = written.NextColumn();
      written.Assign(column, SeriesId{next_series});
      assignments.push_back({column, SeriesId{next_series}});
      columns[column] = next_series++;
      generators.insert_or_assign(column, Generator(random, static_cast<int>(random() % 7)));
    }
    if (random() % 15 == 0 && !columns.empty()) {
      const auto gone =
          std::next(columns.begin(), static_cast<ptrdiff_t>(random() % columns.size()));
      written.Release(gone->first);
      if (std::erase_if(assignments, [&](auto& a) { return a.column == gone->first; }) == 0) {
        releases.push_back(gone->first);
      }
      columns.erase(gone);
    }
    const bool sparse = random() % 4 == 0;
    std::vector<double> values(written.width());
    std::vector<uint64_t> present(WordsFor(values.size()));
    written.SealWhenDue(encoder);
    written.KeepAssigned(present);
    bool any = false;
    std::vector<std::pair<uint64_t, double>> cells;
    for (const auto& [column, series] : columns) {
      values[column] = generators.at(column).Next();
      if (sparse && random() % 3 == 0) continue;
      SetBit(present, column);
      cells.emplace_back(series, values[column]);
      any = true;
    }
    if (!any) continue;
    for (const auto& [series, value] : cells) oracle[series].push_back({times.size(), value});
    times.push_back(FromMs(1000 * r + static_cast<int64_t>(random() % 5)));

    RowBuffers buffers;
    RowInput input{times.back(), values, present, {}, random() % 30 == 0, releases, assignments};
    const auto all = written.Assignments();
    if (input.key) {
      input.releases = {};
      input.assignments = all;
    }
    std::string body;
    std::vector<RowChange> changes;
    written.Encode(input, buffers, body, changes);
    written.Append(times.size() - 1, times.back(), present, changes);
    releases.clear();
    assignments.clear();

    const auto header = ParseRowHeader(body);
    REQUIRE(header);
    REQUIRE(header->timestamp == times.back());
    REQUIRE(replayed.ApplyEdits(*header, encoder));
    replayed.SealWhenDue(encoder);
    std::vector<uint64_t> read_present;
    std::vector<RowChange> read_changes;
    REQUIRE(replayed.Decode(*header, read_present, read_changes));
    replayed.Append(times.size() - 1, header->timestamp, read_present, read_changes);
  }
  CheckTable(written, oracle, times);
  CheckTable(replayed, oracle, times);
}

TEST_CASE("A row of unchanged values takes about a bit a value, small changes a byte and a half") {
  Table table(1);
  constexpr size_t kColumns = 1000;
  std::vector<double> values(kColumns, 7);
  std::vector<uint64_t> present(WordsFor(kColumns));
  for (size_t c = 0; c < kColumns; ++c) {
    table.Assign(static_cast<ColumnId>(c), SeriesId{c + 1});
    SetBit(present, c);
  }
  RowBuffers buffers;
  const auto append = [&](int64_t ms) {
    std::string body;
    std::vector<RowChange> changes;
    table.Encode({.timestamp = FromMs(ms),
                  .values = values,
                  .present = present,
                  .assigned = {},
                  .releases = {},
                  .assignments = {}},
                 buffers, body, changes);
    table.Append(static_cast<uint64_t>(ms), FromMs(ms), present, changes);
    return body.size();
  };
  append(1000);
  CHECK(append(2000) < 140);
  for (double& value : values) value += 3;
  CHECK(append(3000) < 140 + 1250);
}

TEST_CASE("Rows that are cut off or changed are refused or read, and never crash") {
  std::mt19937_64 random(7);
  Table table(1);
  std::vector<ColumnAssignment> assignments;
  std::vector<double> values;
  for (ColumnId c = 0; c < 70; ++c) {
    assignments.push_back({c, SeriesId{c + 1}});
    table.Assign(c, SeriesId{c + 1});
    values.push_back(kOddValues[c % std::size(kOddValues)]);
  }
  std::vector<uint64_t> present(2, ~uint64_t{0});
  table.KeepAssigned(present);
  ClearBit(present, 3);
  RowBuffers buffers;
  for (const bool key : {false, true}) {
    std::string body;
    std::vector<RowChange> changes;
    table.Encode({FromMs(1000), values, present, {}, key, {}, assignments}, buffers, body, changes);
    for (int i = 0; i < 20000; ++i) {
      std::string bad = body.substr(0, random() % 3 == 0 ? random() % body.size() : body.size());
      for (size_t flips = random() % 4; flips > 0 && !bad.empty(); --flips) {
        bad[random() % bad.size()] ^= static_cast<char>(1 << random() % 8);
      }
      Table target(1);
      ValueEncoder encoder;
      const auto header = ParseRowHeader(bad);
      if (!header || !target.ApplyEdits(*header, encoder)) continue;
      std::vector<uint64_t> read;
      if (target.Decode(*header, read, changes)) target.Append(0, header->timestamp, read, changes);
      target.Seal(encoder);
    }
  }
}

}  // namespace barograph::tsdb
