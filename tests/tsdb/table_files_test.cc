#include "tsdb/head/table_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <optional>

#include "tests/support/mapped_memory.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/memory_sink.h"
#include "tests/support/temp_dir.h"
#include "tsdb/folder_verify.h"
#include "tsdb/head/tail.h"

namespace barograph::test {
namespace {

using tsdb::SealedRun;
using tsdb::StoredRun;
using tsdb::TableFiles;

constexpr char kFile[] = "/data/head/tables-00000001";

std::unique_ptr<TableFiles> Open(FileSystem& files, std::shared_ptr<MemorySink> sink,
                                 std::vector<StoredRun>& found) {
  found.clear();
  auto opened = TableFiles::Open(files, "/data/head", MemorySink::MakeLogger(std::move(sink)),
                                 [&](StoredRun run) { found.push_back(std::move(run)); });
  REQUIRE(opened.has_value());
  return std::move(*opened);
}

// Two rows of two columns, whose values tell the run.
std::shared_ptr<const SealedRun> MakeRun(int number, SealedRun::Columns columns) {
  tsdb::Tail tail;
  tail.Widen(columns->size());
  const uint64_t present = 3;
  for (int row = 0; row < 2; ++row) {
    std::vector<tsdb::RowChange> changes;
    for (ColumnId c = 0; c < 2; ++c) {
      changes.push_back({.column = c,
                         .kind = tsdb::RowChange::Kind::kSet,
                         .mode = tsdb::kRawBits,
                         .value = number * 10.0 + row + c,
                         .delta = 0});
    }
    tail.Append(FromMs(number * 60'000 + row * 1000), std::span(&present, 1), changes);
  }
  tsdb::ValueEncoder encoder;
  return SealedRun::Build(tail, std::move(columns), encoder);
}

// What a reader sees of a run, or nothing where it is damaged.
std::optional<std::vector<double>> ValuesOf(const SealedRun& run) {
  if (!run.IsIntact()) return std::nullopt;
  std::vector<Timestamp> times(run.rows());
  REQUIRE(run.DecodeTimestamps(times));
  std::vector<double> all;
  for (const Timestamp t : times) all.push_back(static_cast<double>(ToMs(t)));
  std::vector<double> values(run.rows());
  for (size_t c = 0; c < run.columns()->size(); ++c) {
    all.push_back(static_cast<double>(static_cast<uint64_t>((*run.columns())[c])));
    REQUIRE(run.DecodeValues(c, values));
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

/// Three runs, synced or not.
struct Runs {
  explicit Runs(bool synced) {
    REQUIRE(files.CreateDirectories("/data/wal"));
    std::vector<StoredRun> found;
    const auto tables = Open(files, std::make_shared<MemorySink>(), found);
    const auto two = [](uint64_t a, uint64_t b) {
      return std::make_shared<const std::vector<SeriesId>>(
          std::vector<SeriesId>{SeriesId{a}, SeriesId{b}});
    };
    const SealedRun::Columns columns[] = {two(7, 9), two(7, 9), two(9, 8)};
    for (int number = 0; number < 3; ++number) {
      const auto run = MakeRun(number, columns[number]);
      const auto stored = tables->Store(
          {5, static_cast<uint64_t>(number) * 2, static_cast<uint64_t>(number) * 2 + 2, run});
      REQUIRE(stored.has_value());
      expected.push_back(*ValuesOf(**stored));
    }
    if (synced) REQUIRE(tables->Sync());
  }

  MemoryFileSystem files;
  std::vector<std::vector<double>> expected;
};

TEST_CASE("Runs of tables are found again, unread where they were synced") {
  for (const bool synced : {true, false}) {
    Runs runs(synced);
    std::vector<StoredRun> found;
    const auto sink = std::make_shared<MemorySink>();
    const auto tables = Open(runs.files, sink, found);
    REQUIRE(found.size() == 3);
    for (size_t i = 0; i < 3; ++i) {
      CHECK(found[i].table == 5);
      CHECK(found[i].first_row == i * 2);
      CHECK(found[i].next_sequence == i * 2 + 2);
      CHECK(ValuesOf(*found[i].run) == runs.expected[i]);
    }
    CHECK(found[0].run->columns() == found[1].run->columns());
    CHECK(sink->lines().empty());
  }
}

TEST_CASE("A run of a table has its documented bytes") {
  Runs runs(true);
  std::string hex;
  for (const char byte : runs.files.ReadFile(kFile)->substr(8, 64)) {
    hex += fmt::format("{:02x}", static_cast<uint8_t>(byte));
  }
  CHECK(hex ==
        "b5523a8f34000000af63b3f6"
        "14821391630500020200e80700110202dfb7cb97e1dabbed50"
        "0e04"
        "000000000400000008000000e8070000000100000201020002");
}

TEST_CASE("A flipped byte of a table's file costs one run, and is told with file and offset") {
  for (const bool synced : {true, false}) {
    Runs runs(synced);
    const std::string good = *runs.files.ReadFile(kFile);
    for (size_t at = 8; at < good.size(); ++at) {
      std::string bad = good;
      bad[at] ^= 0x20;
      REQUIRE(runs.files.WriteFile(kFile, bad));
      INFO("byte " << at);
      const auto report = tsdb::VerifyFolder(runs.files, "/data", "", {});
      REQUIRE(report.has_value());
      CHECK(report->damage.size() + report->torn.size() == 1);
      std::vector<StoredRun> found;
      const auto sink = std::make_shared<MemorySink>();
      const auto tables = Open(runs.files, sink, found);
      std::vector<std::vector<double>> read;
      for (const StoredRun& stored : found) {
        if (auto values = ValuesOf(*stored.run)) read.push_back(std::move(*values));
      }
      CHECK(read.size() + 1 >= runs.expected.size());
      CHECK(std::ranges::includes(runs.expected, read));
      CHECK(sink->Contains("tables-00000001"));
    }
  }
}

TEST_CASE("A table's file that is cut off anywhere has the runs before") {
  for (const bool synced : {true, false}) {
    Runs runs(synced);
    const std::string good = *runs.files.ReadFile(kFile);
    for (size_t size = 0; size <= good.size(); ++size) {
      REQUIRE(runs.files.WriteFile(kFile, good.substr(0, size)));
      std::vector<StoredRun> found;
      const auto tables = Open(runs.files, std::make_shared<MemorySink>(), found);
      INFO("size " << size);
      REQUIRE(found.size() <= 3);
      for (size_t i = 0; i < found.size(); ++i) {
        CHECK(ValuesOf(*found[i].run) == runs.expected[i]);
      }
    }
  }
}

}  // namespace
TEST_CASE("Runs that nobody reads take no memory, neither when written nor after a restart") {
  const TempDir folder;
  const auto columns = std::make_shared<const std::vector<SeriesId>>(
      std::vector<SeriesId>{SeriesId{1}, SeriesId{2}});
  const auto open = [&](std::vector<StoredRun>& found) {
    auto opened = TableFiles::Open(PosixFileSystem(), folder.path(), Logger(),
                                   [&](StoredRun run) { found.push_back(std::move(run)); });
    REQUIRE(opened.has_value());
    return std::move(*opened);
  };
  constexpr uint64_t kRuns = 4000;
  for (const bool synced : {false, true}) {
    std::vector<StoredRun> runs;
    const auto tables = open(runs);
    const auto run = MakeRun(1, columns);
    for (uint64_t i = 0; i < kRuns; ++i) {
      auto stored = tables->Store({i, 0, 2, run});
      REQUIRE(stored.has_value());
      runs.push_back({i, 0, 2, std::move(*stored)});
    }
    CHECK(MappedBytesOf(folder.path()) == 0);
    CHECK(ValuesOf(*runs.back().run) == ValuesOf(*run));
    CHECK(MappedBytesOf(folder.path()) > 0);
    if (synced) REQUIRE(tables->Sync());
  }
  std::vector<StoredRun> runs;
  const auto tables = open(runs);
  REQUIRE(runs.size() == 2 * kRuns);
  CHECK(MappedBytesOf(folder.path()) == 0);
  for (const StoredRun& stored : runs) REQUIRE(ValuesOf(*stored.run));
  CHECK(MappedBytesOf(folder.path()) > 0);
  tables->Release();
  CHECK(MappedBytesOf(folder.path()) == 0);
}

}  // namespace barograph::test
