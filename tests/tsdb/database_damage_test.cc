#include <fmt/format.h>

#include <cstring>

#include "tests/support/memory_file_system.h"
#include "tests/tsdb/eventful_life.h"
#include "tsdb/head/tombstones.h"
#include "tsdb/head_cutter.h"

// What becomes of a database of which any file is damaged, cut off or gone: wrong samples are never
// served, and what is missing is told.

namespace barograph::test {
namespace {

void ListFiles(MemoryFileSystem& files, const std::string& folder, std::vector<std::string>& out) {
  for (const DirectoryEntry& entry : *files.List(folder)) {
    const std::string path = folder + "/" + entry.name;
    if (entry.is_directory) {
      ListFiles(files, path, out);
    } else if (entry.size > 0) {
      out.push_back(path);
    }
  }
}

/// A database that was killed: with blocks, deletions in them and in the head, runs of tables and
/// of lone samples in files, and a log.
class Fixture {
 public:
  Fixture() : database(disk, Careful()) {
    {
      Life life(database, promises);
      life.Run();
      life.RunOn();
      CopyAll(disk, left);
    }
    REQUIRE(promises.Broken(ReadAll(*database)) == "");
    database.Drop();
    ListFiles(left, "/data", paths);
    for (const char* kind : {"/wal/", "/head/tables-", "/head/lone-", "/head/series", "/head/cut",
                             "/head/tombstones", "/exemplars/", "/data", "/meta.json"}) {
      INFO(kind);
      REQUIRE(std::ranges::any_of(paths, [&](const auto& path) { return path.contains(kind); }));
    }
  }

  static void CopyAll(MemoryFileSystem& from, MemoryFileSystem& to) {
    std::vector<std::string> all;
    ListFiles(from, "/data", all);
    for (const std::string& path : all) {
      REQUIRE(to.CreateDirectories(path.substr(0, path.rfind('/'))));
      REQUIRE(to.WriteFile(path, *from.ReadFile(path)));
    }
  }

  /// The folder as it was left, but for one file.
  void PutBack() {
    REQUIRE(disk.RemoveAll("/data"));
    CopyAll(left, disk);
  }

  /// What can be read; series that fail are counted.
  Contents Read(size_t& failed) {
    Contents contents;
    const auto selection = database->Select({}, AllSeries(), {}, {});
    if (!selection) {
      CHECK(selection.error().code == ErrorCode::kCorruption);
      ++failed;
      return contents;
    }
    const auto cursor = (*selection)->NewCursor();
    for (size_t i = 0; i < (*selection)->size(); ++i) {
      const auto samples = cursor->Read(i);
      if (!samples) {
        CHECK(samples.error().code == ErrorCode::kCorruption);
        ++failed;
        continue;
      }
      for (size_t s = 0; s < samples->size(); ++s) {
        contents[(*selection)->labels(i).ToString()][ToMs(samples->timestamps[s])] =
            std::bit_cast<uint64_t>(samples->values[s]);
      }
    }
    return contents;
  }

  /// Opens the folder as it is now: nothing wrong is served, and the log tells of what is not.
  void CheckDamaged(const std::string& path) {
    const size_t told = Told();
    REQUIRE(database.TryOpen());
    size_t failed = 0;
    const Contents got = Read(failed);
    const std::string broken = promises.Broken(got);
    const bool tells_of_deletions = path.ends_with("/cut") || path.ends_with("/tombstones");
    if (broken.starts_with("lost") || (tells_of_deletions && broken.starts_with("back"))) {
      CHECK((failed > 0 || Told() > told));
    } else {
      CHECK(broken == "");
    }
    database.Drop();
  }

  size_t Told() const {
    return database.sink().Count(LogLevel::kError, "") + database.sink().Count(LogLevel::kWarn, "");
  }

  MemoryFileSystem disk, left;
  TestDatabase database;
  Promises promises;
  std::vector<std::string> paths;
};

TEST_CASE_METHOD(Fixture, "A flipped byte in any file is told, and nothing wrong is served") {
  for (const std::string& path : paths) {
    const std::string good = *left.ReadFile(path);
    for (size_t part = 0; part < 6; ++part) {
      const size_t at = (good.size() - 1) * part / 5;
      CAPTURE(path, at);
      PutBack();
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ 0x11);
      REQUIRE(disk.WriteFile(path, bad));
      CheckDamaged(path);
    }
  }
}

TEST_CASE_METHOD(Fixture, "Any file that is cut off is told of, and nothing wrong is served") {
  const std::string newest_segment = "/data/wal/" + left.List("/data/wal")->back().name;
  for (const std::string& path : paths) {
    const std::string good = *left.ReadFile(path);
    for (const size_t size : {size_t{0}, size_t{5}, good.size() / 2, good.size() - 1}) {
      CAPTURE(path, size);
      // The newest segment of a log may have been begun and no more.
      if (path == newest_segment && size < 8) continue;
      PutBack();
      REQUIRE(disk.WriteFile(path, good.substr(0, std::min(size, good.size()))));
      CheckDamaged(path);
    }
  }
}

TEST_CASE_METHOD(Fixture, "A missing file is told of where others show that it was there") {
  for (const std::string& path : paths) {
    CAPTURE(path);
    PutBack();
    REQUIRE(disk.Remove(path));
    // The newest of a kind may not have been begun, and nothing may have been deleted.
    const std::string kind = path.substr(0, path.find_last_not_of("0123456789") + 1);
    const bool is_last = kind != path && std::ranges::none_of(paths, [&](const std::string& other) {
                           return other.starts_with(kind) && other > path;
                         });
    if (is_last || path.ends_with("tombstones")) continue;
    CheckDamaged(path);
  }
}

TEST_CASE("The head's cut and tombstones have their documented bytes") {
  MemoryFileSystem files;
  REQUIRE(files.CreateDirectories("head"));
  REQUIRE(files.WriteFile("head/cut", "7200000 3\n"));
  const auto cut = tsdb::LoadCut(files, "head");
  REQUIRE(cut);
  CHECK(cut->tables_from == FromMs(7'200'000));
  CHECK(cut->lone_files == 3);
  for (const std::string bad : {"", "7200000", "7200000 3", "7200000 3\n\n", "x 3\n", "1 -3\n"}) {
    INFO(bad);
    REQUIRE(files.WriteFile("head/cut", bad));
    CHECK_FALSE(tsdb::LoadCut(files, "head"));
  }

  tsdb::Tombstones tombstones;
  REQUIRE(tombstones.Load(files, "head"));
  tombstones.Add(SeriesId{1}, {FromMs(2000), FromMs(3000)});
  REQUIRE(tombstones.Save());
  std::string hex;
  for (const char byte : *files.ReadFile("head/tombstones")) {
    hex += fmt::format("{:02x}", static_cast<uint8_t>(byte));
  }
  CHECK(hex == "4241524f544d4231010101a01fe80761d59aadd2bd7b4e");
}

TEST_CASE("What the head wrote of its cut is what the next start reads") {
  MemoryFileSystem files;
  TestDatabase database(files, Careful());
  CHECK(files.Exists("/data/head/cut"));
  const auto appender = database->NewAppender();
  appender->Append(*appender->Resolve(Named("a")), {FromMs(kMinuteMs), 1});
  appender->Append(*appender->Resolve(Named("a")), {FromMs(200 * kMinuteMs), 1});
  database.clock().Set(FromMs(200 * kMinuteMs));
  REQUIRE(appender->Commit());
  REQUIRE(database->Maintain());
  CHECK(*files.ReadFile("/data/head/cut") == "7200000 1\n");
}

/// Appends a row a minute to a table of one series.
void Scrape(TestDatabase& database, const std::string& name, int64_t from_minute, int64_t to_minute,
            Contents& expected) {
  const auto table = OpenTable(*database);
  REQUIRE(table->AddColumn(Named(name)));
  for (int64_t minute = from_minute; minute < to_minute; ++minute) {
    const int64_t ms = minute * kMinuteMs;
    database.clock().Set(FromMs(ms));
    REQUIRE(table->AppendRow(FullRow({static_cast<double>(minute)}).at(ms)));
    expected[Named(name).ToString()][ms] = std::bit_cast<uint64_t>(static_cast<double>(minute));
  }
}

// The last byte of the first frame.
void DamageFirstRun(MemoryFileSystem& files, const std::string& path) {
  std::string bytes = *files.ReadFile(path);
  uint32_t length = 0;
  std::memcpy(&length, bytes.data() + 8 + 4, sizeof(length));
  char& last = bytes.at(8 + 12 + length - 1);
  last = static_cast<char>(last ^ 1);
  REQUIRE(files.WriteFile(path, bytes));
}

TEST_CASE("Queries that need a damaged run of the head fail; no other does, and a cut goes on") {
  MemoryFileSystem files;
  tsdb::Options options = Careful();
  options.wal_fsync = tsdb::WalFsync::kInterval;
  TestDatabase database(files, options);
  Contents expected, all;
  Scrape(database, "a", 0, 30, all);
  Scrape(database, "a", 30, 40, expected);
  Scrape(database, "b", 0, 40, expected);
  database.Drop();
  const std::string path = database.path() + "/head/tables-00000001";
  DamageFirstRun(files, path);
  database.Reopen();
  CHECK(database.Metric("barograph_tsdb_head_damaged_parts_total") == 0);

  const auto read = [&](TimeRange range, const std::string& name) {
    const auto selection = database->Select(range, {Matcher::Equal("__name__", name)}, {}, {});
    REQUIRE(selection);
    REQUIRE((*selection)->size() == 1);
    const auto samples = (*selection)->NewCursor()->Read(0);
    return samples ? Result<size_t>(samples->size()) : std::unexpected(samples.error());
  };
  for (int i = 0; i < 2; ++i) {
    const auto damaged = read({}, "a");
    REQUIRE_FALSE(damaged);
    CHECK(damaged.error().code == ErrorCode::kCorruption);
    CHECK_THAT(damaged.error().message, Catch::Contains(path + " at 8"));
  }
  CHECK(database.Metric("barograph_tsdb_head_damaged_parts_total") == 1);
  CHECK(database.sink().Count(LogLevel::kError, "are damaged: queries that need them fail") == 1);
  CHECK(*read({FromMs(30 * kMinuteMs), kMaxTimestamp}, "a") == 10);
  CHECK(*read({}, "b") == 40);

  // What cannot be read cannot move to a block; nothing else stays behind for it.
  Scrape(database, "b", 40, 200, expected);
  REQUIRE(database->Maintain());
  REQUIRE(!database->Blocks().empty());
  CHECK(database.Metric("prometheus_tsdb_compactions_failed_total") == 0);
  CHECK(Difference(ReadAll(*database), expected) == "");
  database.Reopen();
  CHECK(Difference(ReadAll(*database), expected) == "");
}

}  // namespace
}  // namespace barograph::test
