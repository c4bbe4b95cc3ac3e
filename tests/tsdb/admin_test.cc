#include "tests/tsdb/storage_harness.h"

namespace barograph::test {
namespace {

const std::string kFirst = Named("a").ToString();
const std::string kSecond = Named("b").ToString();

Matchers Name(const std::string& name) { return {Matcher::Equal("__name__", name)}; }

/// Two series of one table, a value a second from `from` to `to`; more than a tail holds.
void Fill(TestDatabase& database, ScrapeTable& table, int64_t from, int64_t to) {
  for (int64_t t = from; t <= to; ++t) {
    const FullRow row({static_cast<double>(t), static_cast<double>(-t)});
    REQUIRE(table.AppendRow(row.at(t * 1000)));
  }
  REQUIRE(database->Sync());
}

std::unique_ptr<ScrapeTable> MakeTable(TestDatabase& database) {
  auto table = OpenTable(*database);
  REQUIRE(*table->AddColumn(Named("a")) == 0);
  REQUIRE(*table->AddColumn(Named("b")) == 1);
  return table;
}

void Forget(Contents& contents, const std::string& series, int64_t from, int64_t to) {
  std::erase_if(contents[series],
                [&](const auto& sample) { return from <= sample.first && sample.first <= to; });
  if (contents[series].empty()) contents.erase(series);
}

TEST_CASE("Deleted samples are gone, also after a restart, and others are not") {
  TestDatabase database;
  auto table = MakeTable(database);
  Fill(database, *table, 1, 300);
  Contents expected = ReadAll(*database);
  REQUIRE(database->DeleteSeries({FromMs(100'000), FromMs(199'999)}, Name("a")));
  Forget(expected, kFirst, 100'000, 199'999);
  CHECK(Difference(ReadAll(*database), expected).empty());
  table.reset();
  database.Reopen();
  CHECK(Difference(ReadAll(*database), expected).empty());
}

TEST_CASE("A series of which nothing is left is no longer told of, until it has new samples") {
  TestDatabase database;
  auto table = MakeTable(database);
  Fill(database, *table, 1, 150);
  REQUIRE(database->DeleteSeries({}, Name("a")));
  CHECK(database->Series({}, {})->size() == 1);
  CHECK(*database->LabelValues("__name__", {{}, AllSeries(), 0}, {}) ==
        std::vector<std::string>{"b"});
  Contents now = ReadAll(*database);
  CHECK_FALSE(now.contains(kFirst));
  CHECK(now[kSecond].size() == 150);

  Fill(database, *table, 151, 152);
  now = ReadAll(*database);
  CHECK(now[kFirst].size() == 2);
  CHECK(now[kSecond].size() == 152);
}

TEST_CASE("What a deletion does not match is left alone") {
  TestDatabase database;
  REQUIRE(database->DeleteSeries({}, AllSeries()));
  auto table = MakeTable(database);
  Fill(database, *table, 1, 10);
  const Contents before = ReadAll(*database);
  REQUIRE(database->DeleteSeries({}, Name("c")));
  REQUIRE(database->DeleteSeries({FromMs(11'000), kMaxTimestamp}, AllSeries()));
  REQUIRE(database->CleanTombstones());
  CHECK(Difference(ReadAll(*database), before).empty());
}

TEST_CASE("A snapshot is a data folder of its own") {
  tsdb::Options options;
  options.wal_segment_bytes = 4096;
  TestDatabase database(PosixFileSystem(), options);
  auto table = MakeTable(database);
  Fill(database, *table, 1, 400);
  const Contents before = ReadAll(*database);
  const auto name = database->Snapshot(false);
  REQUIRE(name);
  const auto second = database->Snapshot(true);
  REQUIRE(second);
  CHECK(*name != *second);
  Fill(database, *table, 401, 500);

  const auto open = [&](const std::string& snapshot) {
    tsdb::Options copy;
    copy.path = database.path() + "/snapshots/" + snapshot;
    auto opened =
        tsdb::Database::Open(PosixFileSystem(), database.clock(), {}, database.metrics(), copy);
    REQUIRE(opened);
    return std::move(*opened);
  };
  CHECK(Difference(ReadAll(*open(*name)), before).empty());
  CHECK(ReadAll(*open(*second)).empty());
}

}  // namespace
}  // namespace barograph::test
