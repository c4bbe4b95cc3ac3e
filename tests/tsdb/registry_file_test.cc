#include "tsdb/head/registry_file.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "tests/support/fault_file_system.h"
#include "tests/support/memory_file_system.h"
#include "tests/tsdb/storage_harness.h"
#include "tsdb/head/series_dump.h"

namespace barograph::test {
namespace {

using namespace std::chrono_literals;

constexpr int64_t kMinuteMs = 60'000, kHourMs = 60 * kMinuteMs;

std::string FileOf(const TestDatabase& database) { return database.path() + "/head/series"; }

/// How many series are in the file; 0 where there is none.
size_t SeriesIn(const std::string& path) {
  if (!PosixFileSystem().Exists(path)) return 0;
  const auto dump = tsdb::ReadSeriesDump(*PosixFileSystem().ReadFile(path));
  REQUIRE(dump);
  return dump->set->size();
}

/// Appends rows of `width` series from `from_ms` on, a minute apart.
void Scrape(TestDatabase& database, Contents& expected, const std::string& name, size_t width,
            int64_t from_ms, size_t rows = 3) {
  const auto table = OpenTable(*database);
  std::vector<std::string> series;
  for (size_t c = 0; c < width; ++c) {
    const Labels labels = Named(name + std::to_string(c));
    REQUIRE(table->AddColumn(labels));
    series.push_back(labels.ToString());
  }
  for (size_t row = 0; row < rows; ++row) {
    const int64_t ms = from_ms + static_cast<int64_t>(row) * kMinuteMs;
    const FullRow values(std::vector<double>(width, static_cast<double>(row)));
    REQUIRE(table->AppendRow(values.at(ms)));
    for (const std::string& each : series) {
      expected[each][ms] = std::bit_cast<uint64_t>(static_cast<double>(row));
    }
  }
}

// Of what TestDatabase::Crash has copied.
void RemoveLeftIndex(TestDatabase& database) {
  const std::filesystem::path index = database.options().index_path;
  std::filesystem::remove_all(index.parent_path() / "left" / "index");
  std::filesystem::create_directory(index.parent_path() / "left" / "index");
}

void RemoveIndex(TestDatabase& database) {
  std::filesystem::remove_all(database.options().index_path);
}

TEST_CASE("A restart has the series from their file, even where the index is lost") {
  TestDatabase database;
  Contents expected;
  Scrape(database, expected, "m", 100, kHourMs);
  {
    const auto appender = database->NewAppender();
    appender->Append(*appender->Resolve(Named("alone")), {FromMs(kHourMs), 1});
    REQUIRE(appender->Commit()->appended == 1);
    expected[Named("alone").ToString()][kHourMs] = std::bit_cast<uint64_t>(1.0);
  }
  database.Drop();
  CHECK(SeriesIn(FileOf(database)) == 101);
  RemoveIndex(database);
  REQUIRE(database.TryOpen());
  CHECK(Difference(ReadAll(*database), expected) == "");
  // And the index is whole again.
  database.Drop();
  std::filesystem::remove(FileOf(database));
  REQUIRE(database.TryOpen());
  CHECK(Difference(ReadAll(*database), expected) == "");
}

TEST_CASE("Where the file of series is damaged or missing, the index has them") {
  TestDatabase database;
  Contents expected;
  Scrape(database, expected, "m", 50, kHourMs);
  for (int round = 0; round < 3; ++round) {
    database.Drop();
    REQUIRE(SeriesIn(FileOf(database)) == 50);
    if (round == 0) std::filesystem::remove(FileOf(database));
    if (round == 1) std::filesystem::resize_file(FileOf(database), 200);
    if (round == 2) std::ofstream(FileOf(database), std::ios::binary) << "no such thing";
    REQUIRE(database.TryOpen());
    CHECK(Difference(ReadAll(*database), expected) == "");
    CHECK(database.sink().Contains("The file of the head's series is of no use") == (round > 0));
    CHECK(SeriesIn(FileOf(database)) == 0);  // one that is of no use does not stay
  }
}

TEST_CASE("After a kill, series that came after the file are there as well") {
  TestDatabase database;
  Contents expected;
  Scrape(database, expected, "m", 200, kHourMs);
  REQUIRE(database->Maintain());
  CHECK(SeriesIn(FileOf(database)) == 200);
  Scrape(database, expected, "few", 3, kHourMs);
  REQUIRE(database->Maintain());
  CHECK(SeriesIn(FileOf(database)) == 200);  // not worth while
  Scrape(database, expected, "untold", 5, kHourMs);
  database.Crash([] {});
  CHECK(Difference(ReadAll(*database), expected) == "");
  Scrape(database, expected, "many", 100, kHourMs);
  REQUIRE(database->Maintain());
  CHECK(SeriesIn(FileOf(database)) == 308);
  database.Crash([] {});
  CHECK(Difference(ReadAll(*database), expected) == "");
}

/// Whether a segment of the log tells of it.
bool LogTells(const TestDatabase& database, const std::string& text) {
  const std::string wal = database.path() + "/wal";
  for (const DirectoryEntry& entry : *PosixFileSystem().List(wal)) {
    if (PosixFileSystem().ReadFile(wal + "/" + entry.name)->contains(text)) return true;
  }
  return false;
}

TEST_CASE("Series that the log tells no more are there after a kill and the loss of the index") {
  TestDatabase database;
  Contents expected;
  Scrape(database, expected, "m", 200, kHourMs);
  REQUIRE(database->Maintain());
  for (const std::string name : {"few", "more"}) {
    Scrape(database, expected, name, 3, kHourMs);
    const auto appender = database->NewAppender();
    const Labels alone = Named("alone_" + name);
    appender->Append(*appender->Resolve(alone), {FromMs(kHourMs), 1});
    REQUIRE(appender->Commit()->appended == 1);
    expected[alone.ToString()][kHourMs] = std::bit_cast<uint64_t>(1.0);
    REQUIRE(LogTells(database, "alone_" + name));
    // Tables that nobody writes to any more are sealed at the next start.
    database.Crash([] {});
    REQUIRE(database->Maintain());
    Scrape(database, expected, "last_" + name, 1, kHourMs);
    REQUIRE(database->Maintain());
    REQUIRE_FALSE(LogTells(database, "few0"));
    REQUIRE_FALSE(LogTells(database, "alone_" + name));
  }
  CHECK(SeriesIn(FileOf(database)) < expected.size());
  database.Crash([&] { RemoveLeftIndex(database); });
  CHECK(Difference(ReadAll(*database), expected) == "");
}

TEST_CASE("A series that the index has forgotten does not come back from the file") {
  tsdb::Options options;
  options.min_block_duration = 1h;
  options.max_block_duration = 1h;
  options.retention.time = 5h;
  TestDatabase database(PosixFileSystem(), options);
  Contents expected, forgotten;
  Scrape(database, forgotten, "gone", 100, kHourMs);
  REQUIRE(database->Maintain());
  REQUIRE(SeriesIn(FileOf(database)) == 100);
  Scrape(database, expected, "m", 100, 50 * kHourMs, 240);
  database.clock().Set(FromMs(54 * kHourMs));
  for (int i = 0; i < 3; ++i) REQUIRE(database->Maintain());
  CHECK(database.Metric("prometheus_tsdb_head_series") == 100);
  CHECK(SeriesIn(FileOf(database)) == 100);
  database.Crash([] {});
  CHECK(database.Metric("prometheus_tsdb_head_series") == 100);
  // They come again, and their blocks find them in the index.
  Scrape(database, expected, "gone", 100, 54 * kHourMs, 240);
  database.clock().Set(FromMs(58 * kHourMs));
  for (int i = 0; i < 3; ++i) REQUIRE(database->Maintain());
  database.Reopen();
  const Contents got = ReadAll(*database, {FromMs(54 * kHourMs), kMaxTimestamp});
  CHECK(got.size() == 100);
}

TEST_CASE("What is in files of runs does not become another series' when index and file are lost") {
  TestDatabase database;
  Contents lost, expected;
  Scrape(database, lost, "m", 50, kHourMs);
  database.Drop();
  RemoveIndex(database);
  std::filesystem::remove(FileOf(database));
  REQUIRE(database.TryOpen());
  Scrape(database, expected, "other", 60, 2 * kHourMs);
  CHECK(Difference(ReadAll(*database), expected) == "");
  database.Reopen();
  CHECK(Difference(ReadAll(*database), expected) == "");
}

constexpr char kFolder[] = "/head";

/// A registry and its file, in a folder in memory.
struct Kept {
  explicit Kept(FileSystem& files)
      : registry(0, {}), file(files, kFolder, MemorySink::MakeLogger(sink), registry) {
    REQUIRE(files.CreateDirectories(kFolder));
    file.Load();
  }

  void Add(const std::string& name) { REQUIRE(registry.GetOrCreate(Named(name))); }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    registry.VisitRange(0, registry.size(), [&](SeriesId id, const Labels& labels) {
      names.push_back(std::to_string(static_cast<uint64_t>(id)) + " " +
                      std::string(labels.metric_name()));
    });
    return names;
  }

  std::shared_ptr<MemorySink> sink = std::make_shared<MemorySink>();
  tsdb::SeriesRegistry registry;
  tsdb::RegistryFile file;
};

TEST_CASE("The file of added series has its documented bytes") {
  MemoryFileSystem files;
  Kept kept(files);
  REQUIRE(kept.registry.Restore(SeriesId{3}, {{"__name__", "up"}}));
  for (int i = 0; i < 8; ++i) kept.Add("m" + std::to_string(i));
  REQUIRE(kept.file.Save());
  REQUIRE(kept.registry.Restore(SeriesId{40}, {{"__name__", "up"}, {"job", "a"}}));
  REQUIRE(kept.file.Cover());
  std::string hex;
  for (const char byte : *files.ReadFile("/head/series-added")) {
    hex += fmt::format("{:02x}", static_cast<uint8_t>(byte));
  }
  CHECK(hex ==
        "4241524f53414444"
        "b501559d140000006346e569"
        "2812085f5f6e616d655f5f027570036a6f620161");
}

TEST_CASE("What is covered is there after the machine died, and is told once the file is whole") {
  MemoryFileSystem files;
  std::vector<std::string> covered;
  {
    Kept kept(files);
    for (int i = 0; i < 3000; ++i) kept.Add(std::to_string(i));
    REQUIRE(kept.file.Cover());
    REQUIRE_FALSE(files.Exists("/head/series-added"));
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 50 * round; ++i) kept.Add(fmt::format("{}.{}", round, i));
      REQUIRE(kept.file.Cover());
    }
    covered = kept.Names();
    kept.Add("uncovered");
  }
  files.Crash();
  {
    Kept kept(files);
    CHECK(kept.sink->lines().empty());
    CHECK(kept.Names() == covered);
    kept.Add("next");
    covered.push_back("3151 next");
    REQUIRE(kept.file.Cover());
    CHECK_FALSE(files.Exists("/head/series-added"));  // nothing is written behind an unknown end
  }
  files.Crash();
  CHECK(Kept(files).Names() == covered);
}

TEST_CASE("A file of added series that is cut off or flipped anywhere costs what is damaged") {
  MemoryFileSystem files;
  {
    Kept kept(files);
    for (int i = 0; i < 100; ++i) kept.Add(std::to_string(i));
    REQUIRE(kept.file.Cover());
    for (int i = 0; i < 3; ++i) {
      kept.Add("added" + std::to_string(i));
      REQUIRE(kept.file.Cover());
    }
  }
  const std::string path = "/head/series-added";
  const std::string good = *files.ReadFile(path);
  for (size_t at = 0; at < good.size(); ++at) {
    INFO("byte " << at);
    REQUIRE(files.WriteFile(path, good.substr(0, at)));
    CHECK(Kept(files).registry.size() >= 100);
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    REQUIRE(files.WriteFile(path, bad));
    const Kept kept(files);
    const size_t found = kept.registry.size();
    CHECK(found >= (at < 8 ? 100 : 102));
    CHECK(found <= 102);
    const bool in_last = found == 102 && !kept.registry.LabelsOf(SeriesId{103});
    CHECK((in_last || kept.sink->Contains("damaged in parts")));
  }
}

TEST_CASE("Whatever fails while series are covered, the next time covers them") {
  for (int nth = 1; nth < 40; ++nth) {
    INFO("call " << nth);
    MemoryFileSystem disk;
    FaultFileSystem files(disk);
    {
      Kept kept(files);
      files.Inject({.operation = FileOperation::kAny, .nth = nth, .written_bytes = 9});
      for (int round = 0; round < 4; ++round) {
        for (int i = 0; i < (round == 0 ? 100 : 3); ++i) kept.Add(fmt::format("{}.{}", round, i));
        const bool done = kept.file.Cover().has_value();
        const size_t count = kept.registry.size();
        MemoryFileSystem copy;
        REQUIRE(copy.CreateDirectories(kFolder));
        for (const DirectoryEntry& entry : *disk.List(kFolder)) {
          const std::string path = std::string(kFolder) + "/" + entry.name;
          REQUIRE(copy.WriteFile(path, *disk.ReadFile(path)));
        }
        if (done) CHECK(Kept(copy).registry.size() == count);
      }
      files.ClearFaults();
      REQUIRE(kept.file.Cover());
    }
    disk.Crash();
    CHECK(Kept(disk).registry.size() == 109);
  }
}

TEST_CASE("A disk that fails at any step of the file's writing costs nothing but the file") {
  for (const FileOperation operation :
       {FileOperation::kOpen, FileOperation::kAppend, FileOperation::kSync, FileOperation::kClose,
        FileOperation::kRename}) {
    FaultFileSystem files(PosixFileSystem());
    const TempDir dir;
    const auto sink = std::make_shared<MemorySink>();
    tsdb::SeriesRegistry registry(0, {});
    for (int i = 0; i < 20'000; ++i) REQUIRE(registry.GetOrCreate(Named(std::to_string(i))));
    tsdb::RegistryFile file(files, dir.path(), MemorySink::MakeLogger(sink), registry);
    REQUIRE(file.Save());
    REQUIRE(registry.GetOrCreate(Named("new")));
    files.Inject({.operation = operation, .path_part = "series", .written_bytes = 100});
    CHECK_FALSE(file.Save());
    CHECK(SeriesIn(dir.path() + "/series") == 20'000);
    CHECK(file.Save());
    CHECK(SeriesIn(dir.path() + "/series") == 20'001);
  }
}

TEST_CASE("The file of series is whole or not there after the machine died while it was written") {
  MemoryFileSystem files;
  const auto sink = std::make_shared<MemorySink>();
  REQUIRE(files.CreateDirectories("/head"));
  for (const size_t kept : {size_t{0}, size_t{10}, size_t{1} << 20}) {
    tsdb::SeriesRegistry registry(0, {});
    for (int i = 0; i < 5000; ++i) REQUIRE(registry.GetOrCreate(Named(std::to_string(i))));
    tsdb::RegistryFile file(files, "/head", MemorySink::MakeLogger(sink), registry);
    REQUIRE(file.Save());
    files.Crash(kept);
    tsdb::SeriesRegistry loaded(0, {});
    tsdb::RegistryFile(files, "/head", MemorySink::MakeLogger(sink), loaded).Load();
    CHECK(loaded.size() == 5000);
  }
  CHECK(sink->lines().empty());
}

}  // namespace
}  // namespace barograph::test
