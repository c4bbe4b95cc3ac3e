#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/tsdb/storage_harness.h"
#include "tsdb/head/table_files.h"

// A target goes on in the table that it had, in this process or in one before it.

namespace barograph::test {
namespace {

// The runs of the head's tables, in the order in which they were stored.
std::vector<tsdb::StoredRun> RunsOf(TestDatabase& database) {
  std::vector<tsdb::StoredRun> runs;
  REQUIRE(tsdb::TableFiles::Open(
              PosixFileSystem(), database.path() + "/head", Logger(),
              [&](tsdb::StoredRun run) { runs.push_back(std::move(run)); }, [] {})
              .has_value());
  return runs;
}

}  // namespace

TEST_CASE(
    "A target's table goes on after a restart, where it was closed, and its tail after a kill") {
  TestDatabase database(PosixFileSystem());
  Contents expected;
  int r = 0;
  std::unique_ptr<ScrapeTable> table;
  const auto scrape = [&](const std::vector<std::string>& names) {
    table = OpenTable(*database);
    std::map<std::string, ColumnId> columns;
    for (const std::string& name : names) columns[name] = *table->AddColumn(Named(name));
    for (int end = r + 10; r < end; ++r) {
      FullRow row(std::vector<double>(table->width()));
      for (const auto& [name, column] : columns) {
        row.values[column] = r * 0.5 + name[0];
        expected[Named(name).ToString()][r] = std::bit_cast<uint64_t>(row.values[column]);
      }
      REQUIRE(table->AppendRow(row.at(r)));
    }
  };
  scrape({"a", "b", "c"});
  database.Crash([&] { table.reset(); });
  scrape({"a", "c", "new"});
  CHECK(Difference(ReadAll(*database), expected) == "");
  database.Crash([&] { table.reset(); });
  CHECK(Difference(ReadAll(*database), expected) == "");
  scrape({"new", "a"});
  table.reset();
  database.Reopen();
  scrape({"a", "b"});
  table.reset();
  database.Drop();
  const std::vector<tsdb::StoredRun> runs = RunsOf(database);
  REQUIRE(runs.size() == 2);
  CHECK(runs[0].table == runs[1].table);
  CHECK(runs[0].run->rows() == 30);
  CHECK(runs[1].first_row == 30);
  REQUIRE(database.TryOpen());
  CHECK(Difference(ReadAll(*database), expected) == "");
}

TEST_CASE("A table that is written to, or is ahead of the clock, is left alone by others") {
  TestDatabase database(PosixFileSystem());
  {
    const auto first = OpenTable(*database);
    REQUIRE(first->AddColumn(Named("a")));
    REQUIRE(first->AppendRow(FullRow({1}).at(1000)));
    const auto second = OpenTable(*database);
    REQUIRE(second->AddColumn(Named("a")));
    REQUIRE(second->AppendRow(FullRow({2}).at(2000)));
  }
  const int64_t ahead = ToMs(database.clock().Now()) + 1000;
  {
    const auto third = OpenTable(*database);
    REQUIRE(third->AddColumn(Named("a")));
    REQUIRE(third->AppendRow(FullRow({3}).at(ahead)));
  }
  {
    const auto fourth = OpenTable(*database);
    REQUIRE(fourth->AddColumn(Named("a")));
    REQUIRE(fourth->AppendRow(FullRow({4}).at(3000)));
  }
  const Contents expected = {{Named("a").ToString(),
                              {{1000, std::bit_cast<uint64_t>(1.0)},
                               {2000, std::bit_cast<uint64_t>(2.0)},
                               {3000, std::bit_cast<uint64_t>(4.0)},
                               {ahead, std::bit_cast<uint64_t>(3.0)}}}};
  CHECK(Difference(ReadAll(*database), expected) == "");
  database.Drop();
  std::vector<uint64_t> tables;
  for (const tsdb::StoredRun& run : RunsOf(database)) tables.push_back(run.table);
  // The second is the one that the third went on in; the first was free, too, and older.
  REQUIRE(tables.size() == 4);
  CHECK(tables[0] == tables[2]);
  CHECK(tables[1] == tables[3]);
  CHECK(tables[0] != tables[1]);
}

}  // namespace barograph::test
