#include "tsdb/folder_verify.h"

#include <array>
#include <functional>

#include "tests/support/memory_file_system.h"
#include "tests/tsdb/storage_harness.h"

namespace barograph::test {
namespace {

using namespace std::chrono_literals;

tsdb::Options SmallBlocks() {
  tsdb::Options options;
  options.min_block_duration = 1h;
  options.maintenance_interval = 24h;  // only when it is asked for
  return options;
}

/// A folder as a server that was killed leaves it: with blocks, lone samples in the head's files,
/// and others in the log only.
class Folder {
 public:
  Folder() {
    const auto appender = database_->NewAppender();
    const SeriesId id = *appender->Resolve(Named("lone"));
    const auto append = [&](int64_t minute) {
      database_.clock().Advance(1min);
      appender->Append(id, {FromMs(minute * 60'000), static_cast<double>(minute % 7)});
      REQUIRE(appender->Commit());
    };
    for (int64_t minute = 0; minute < 300; ++minute) append(minute);
    REQUIRE(database_->Maintain());
    for (int64_t minute = 300; minute < 310; ++minute) append(minute);
    wal = LastOf(path + "/wal", "");
    head = LastOf(path + "/head", "lone-");
    block = path + "/blocks/" + files.List(path + "/blocks")->front().name + "/data";
  }

  std::string LastOf(const std::string& directory, const std::string& prefix) {
    std::string last;
    for (const DirectoryEntry& entry : *files.List(directory)) {
      if (entry.name.starts_with(prefix) && entry.size > 8) last = directory + "/" + entry.name;
    }
    REQUIRE_FALSE(last.empty());
    return last;
  }

  void Change(const std::string& file, const std::function<void(std::string&)>& change) {
    std::string bytes = *files.ReadFile(file);
    change(bytes);
    REQUIRE(files.WriteFile(file, bytes));
  }

  tsdb::FolderReport Verify() {
    auto report = tsdb::VerifyFolder(files, path, "", {});
    REQUIRE(report.has_value());
    return std::move(*report);
  }

  MemoryFileSystem files;

 private:
  TestDatabase database_{files, SmallBlocks()};  // nothing runs in it by itself

 public:
  const std::string path = database_.path();
  std::string block, wal, head;
};

void Contents(MemoryFileSystem& files, const std::string& folder,
              std::map<std::string, std::string>& out) {
  for (const DirectoryEntry& entry : *files.List(folder)) {
    const std::string path = folder + "/" + entry.name;
    if (entry.is_directory) {
      Contents(files, path, out);
    } else {
      out[path] = *files.ReadFile(path);
    }
  }
}

TEST_CASE("A folder that is well is found to be, and is not changed") {
  Folder folder;
  std::map<std::string, std::string> before, after;
  Contents(folder.files, folder.path, before);
  const tsdb::FolderReport report = folder.Verify();
  Contents(folder.files, folder.path, after);
  CHECK(before == after);
  CHECK(report.good());
  CHECK(report.torn.empty());
  CHECK(report.blocks > 0);
  CHECK(report.series >= report.blocks);
  CHECK(report.samples > 100);
  CHECK(report.log_records > 0);
  CHECK(report.head_runs > 0);
}

TEST_CASE("A flipped byte of a block, the log or the head is reported with file and offset") {
  Folder folder;
  const std::string file = std::array{folder.block, folder.wal, folder.head}[GENERATE(0, 1, 2)];
  constexpr size_t kFlipped = 24;
  folder.Change(file, [](std::string& bytes) { bytes[kFlipped] ^= 1; });
  const tsdb::FolderReport report = folder.Verify();
  REQUIRE_FALSE(report.good());
  const tsdb::FileDamage& damage = report.damage.front();
  CHECK(damage.file == file);
  CHECK(damage.offset <= kFlipped);
  CHECK(damage.offset + damage.length > kFlipped);
}

TEST_CASE("A log that is cut off at its end is told apart from a damaged one") {
  Folder folder;
  folder.Change(folder.wal, [](std::string& bytes) { bytes.resize(bytes.size() - 3); });
  const tsdb::FolderReport report = folder.Verify();
  CHECK(report.good());
  REQUIRE(report.torn.size() == 1);
  CHECK(report.torn[0].file == folder.wal);
}

TEST_CASE("A folder without a database, and files that cannot be opened, are told") {
  Folder folder;
  CHECK(tsdb::VerifyFolder(folder.files, "/nowhere", "", {}).error().code == ErrorCode::kNotFound);
  folder.Change(folder.block, [](std::string& bytes) { bytes.resize(10); });
  const tsdb::FolderReport report = folder.Verify();
  REQUIRE(report.damage.size() == 1);
  CHECK(report.damage[0].file + "/data" == folder.block);
}

}  // namespace
}  // namespace barograph::test
