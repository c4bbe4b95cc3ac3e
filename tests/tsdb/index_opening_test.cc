#include "tsdb/index_opening.h"

#include <fstream>

#include "tests/tsdb/storage_harness.h"
#include "tsdb/block/block_data.h"
#include "tsdb/block/block_files.h"
#include "tsdb/folder_verify.h"

// The index is a copy of what blocks, head and log know: without it, everything is as before.

namespace barograph::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

tsdb::Options SmallBlocks() {
  tsdb::Options options;
  options.min_block_duration = 1h;
  options.maintenance_interval = 24h;  // only when it is asked for
  options.index_interval = 24h;
  return options;
}

/// What a storage says, in full.
struct Answers {
  Contents samples;
  std::map<std::string, SeriesId> ids;
  std::vector<std::string> names, instances;
  std::vector<Labels> series;
  bool operator==(const Answers&) const = default;
};

/// A database on the disk with blocks of several levels, series that come and go, late samples, and
/// a head that is partly in files and partly in the log.
class Fixture {
 public:
  Fixture() : database(PosixFileSystem(), SmallBlocks()) {
    for (int64_t minute = 0; minute < 400; ++minute) {
      database.clock().Advance(1min);
      Append("lasting", minute, 0);
      Append("day" + std::to_string(minute / 60), minute, minute);
      if (minute % 100 == 99) {
        Append("late", minute - 90, 1);
        REQUIRE(database->Maintain());
      }
    }
    before = Ask();
    REQUIRE(before.samples.size() == 9);
    REQUIRE(database->Blocks().size() > 1);
  }

  void Append(const std::string& name, int64_t minute, double value) {
    const auto appender = database->NewAppender();
    const auto id = appender->Resolve(Labels{{kMetricName, name}, {"instance", name + ":80"}});
    REQUIRE(id);
    appender->Append(*id, {FromMs(minute * 60'000), value});
    REQUIRE(appender->Commit());
  }

  Answers Ask() {
    Answers answers;
    answers.samples = ReadAll(*database);
    const auto selection = *database->Select({}, AllSeries(), {}, {});
    for (size_t i = 0; i < selection->size(); ++i) {
      answers.ids.emplace(selection->labels(i).ToString(), selection->id(i));
    }
    answers.names = *database->LabelNames({}, {});
    answers.instances = *database->LabelValues("instance", {}, {});
    answers.series = *database->Series({.range = {}, .matchers = AllSeries()}, {});
    return answers;
  }

  std::string IndexPath() const { return database.options().index_path; }

  size_t CopiesSetAside() const {
    size_t copies = 0;
    for (const auto& entry : fs::directory_iterator(fs::path(IndexPath()).parent_path())) {
      copies += entry.path().filename().string().starts_with("index.damaged-");
    }
    return copies;
  }

  std::optional<double> Rebuilds() {
    return database.Metric("barograph_tsdb_index_rebuilds_total");
  }

  TestDatabase database;
  Answers before;
};

void Flip(const fs::path& file, uint64_t offset) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(offset));
  const char byte = static_cast<char>(stream.get() ^ 0x5a);
  stream.seekp(static_cast<std::streamoff>(offset));
  stream.put(byte);
}

TEST_CASE_METHOD(Fixture, "A lost index is made anew, and all answers are as before") {
  const bool killed = GENERATE(false, true);
  INFO((killed ? "killed" : "closed"));
  const std::string left = database.path() + "-left";
  fs::copy(database.path(), left, fs::copy_options::recursive);
  database.Drop();
  if (killed) {
    fs::remove_all(database.path());
    fs::rename(left, database.path());
  }
  fs::remove_all(IndexPath());
  database.Reopen();
  CHECK(Difference(ReadAll(*database), before.samples) == "");
  CHECK(Ask() == before);
  CHECK(Rebuilds() == 1);
  CHECK(database.sink().Contains("The series index is lost"));
  CHECK(database.sink().Contains("not ready until the series index is made anew"));
  CHECK(database.sink().Count(LogLevel::kInfo, "The series index is being made anew") ==
        database->Blocks().size());
  CHECK(CopiesSetAside() == 0);

  // Ids are kept, and new series get others.
  Append("new", 401, 1);
  for (const auto& [labels, id] : Ask().ids) {
    if (before.ids.contains(labels)) {
      CHECK(before.ids.at(labels) == id);
    } else {
      for (const auto& [other, taken] : before.ids) CHECK(id > taken);
    }
  }
  database.Reopen();
  CHECK(Rebuilds() == 0);
  CHECK(Ask().samples.size() == before.samples.size() + 1);
}

TEST_CASE_METHOD(Fixture, "An index with a damaged or missing file is set aside and made anew") {
  database.Drop();
  std::vector<fs::path> names;
  for (const auto& entry : fs::directory_iterator(IndexPath())) {
    const std::string name = entry.path().filename();
    if (name.ends_with(".sst") || name.starts_with("MANIFEST-") || name == "CURRENT") {
      names.push_back(entry.path().filename());
    }
  }
  REQUIRE(names.size() > 2);
  const fs::path whole = IndexPath() + "-whole";
  fs::rename(IndexPath(), whole);
  const bool missing = GENERATE(false, true);
  size_t damaged = 0;
  for (const fs::path& name : names) {
    CAPTURE(name, missing);
    fs::remove_all(IndexPath());
    fs::copy(whole, IndexPath());
    const fs::path file = fs::path(IndexPath()) / name;
    if (missing) {
      fs::remove(file);
    } else {
      Flip(file, fs::file_size(file) / 2);
    }
    database.clock().Advance(1s);
    database.Reopen();
    CHECK(Ask() == before);
    CHECK(Rebuilds() == 1);
    CHECK(CopiesSetAside() == ++damaged);
    database.Drop();
  }
}

TEST_CASE_METHOD(Fixture,
                 "An index that is damaged while it is in use is told of, and a restart mends it") {
  database.Reopen();
  for (const auto& entry : fs::directory_iterator(IndexPath())) {
    if (!entry.path().string().ends_with(".sst")) continue;
    for (uint64_t at = 0; at < fs::file_size(entry.path()); at += 32) Flip(entry.path(), at);
  }
  size_t failed = 0;
  for (int i = 0; i < 3; ++i) {
    const auto selection = database->Select({}, AllSeries(), {}, {});
    if (selection) continue;
    CHECK(selection.error().code == ErrorCode::kCorruption);
    ++failed;
  }
  CHECK(failed == 3);
  CHECK(database.Metric("barograph_tsdb_index_damaged_reads_total") >= 3);
  CHECK(database.sink().Count(LogLevel::kError, "a restart makes it anew from the blocks") == 1);
  // Appends are in the log, and go on.
  Append("lasting", 402, 1);
  database.Crash([] {});
  CHECK(Rebuilds() == 1);
  CHECK(ReadAll(*database).at("lasting{instance=\"lasting:80\"}").size() ==
        before.samples.at("lasting{instance=\"lasting:80\"}").size() + 1);
}

TEST_CASE_METHOD(Fixture, "A crash while the index is made anew leaves it lost, not partly made") {
  database.Drop();
  fs::rename(IndexPath(), IndexPath() + ".new");  // as if it had not been finished
  fs::create_directory(IndexPath());
  database.Reopen();
  CHECK(Ask() == before);
  CHECK(Rebuilds() == 1);
  CHECK_FALSE(fs::exists(IndexPath() + ".new"));
}

TEST_CASE_METHOD(Fixture, "Series whose labels are damaged in a block are known from another") {
  std::string data;
  uint64_t offset = 0;
  for (const auto& block : database->Blocks()) {
    for (const tsdb::ExtentEntry& entry : block->data().directory().extents()) {
      if (entry.kind != tsdb::ExtentKind::kLabelSets) continue;
      data = block->path() + "/" + std::string(tsdb::kBlockDataFile);
      offset = entry.offset;
    }
  }
  database.Drop();
  Flip(data, offset);
  fs::remove_all(IndexPath());
  database.Reopen();
  CHECK(database.sink().Contains("Labels in a block are damaged"));
  CHECK(ReadAll(*database).contains("lasting{instance=\"lasting:80\"}"));
}

TEST_CASE_METHOD(Fixture,
                 "Series of a block that the index never heard of are added at the start") {
  database.Drop();
  fs::remove_all(IndexPath());
  {
    // As a crash leaves it that came between a block and what the index learns of it.
    const auto index = *tsdb::SeriesIndex::Open(IndexPath());
    const Labels first{{kMetricName, "lasting"}, {"instance", "lasting:80"}};
    REQUIRE(before.ids.at(first.ToString()) == SeriesId{1});
    const tsdb::SeriesIndex::Entry entry{SeriesId{1}, std::string(first.packed())};
    REQUIRE(index->Put(std::vector{entry}));
    REQUIRE(index->Flush());
  }
  database.Reopen();
  CHECK(Rebuilds() == 0);
  CHECK(Ask().samples.size() == before.samples.size());
}

TEST_CASE_METHOD(Fixture, "Verification compares the blocks with the index") {
  database.Drop();
  const auto verify = [this] {
    return *tsdb::VerifyFolder(PosixFileSystem(), database.path(), IndexPath(), {});
  };
  CHECK(verify().good());
  {
    const auto index = *tsdb::SeriesIndex::Open(IndexPath());
    const SeriesId id = before.ids.begin()->second;
    const Labels other{{kMetricName, "other"}};
    REQUIRE(index->Put(std::vector{tsdb::SeriesIndex::Entry{id, std::string(other.packed())}}));
    REQUIRE(index->Flush());
  }
  const tsdb::FolderReport report = verify();
  REQUIRE_FALSE(report.good());
  CHECK_THAT(report.damage[0].what, Catch::Contains("in the series index, and"));
  fs::remove_all(IndexPath());
  CHECK_THAT(verify().damage.at(0).what, Catch::Contains("there is no series index"));
}

}  // namespace
}  // namespace barograph::test
