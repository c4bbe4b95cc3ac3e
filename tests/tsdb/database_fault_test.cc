#include <filesystem>

#include "tests/support/fault_file_system.h"
#include "tests/support/memory_file_system.h"
#include "tests/tsdb/eventful_life.h"
#include "tests/tsdb/failing_syncs.h"

// A database over a disk that fails: at each of its operations in turn, and then the power goes.
// What was acknowledged must be there when it comes back, and what was deleted must not.

namespace barograph::test {
namespace {

/// Nothing reaches the disk any more, then what was not synced is gone.
void CutPower(TestDatabase& database, FaultFileSystem& files, MemoryFileSystem& disk) {
  files.Inject({.operation = FileOperation::kAny, .stays = true});
  database.Drop();
  files.ClearFaults();
  disk.Crash();
}

void LoseIndex(const TestDatabase& database) {
  std::filesystem::remove_all(database.options().index_path);
}

// Under a sanitizer each life takes ten times as long.
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr int kStep = 9;
#else
constexpr int kStep = 1;
#endif

/// What goes wrong at the nth operation.
struct Wrong {
  const char* name;
  ErrorCode code;
  FileOperation operation;
  bool stays;  ///< until the end of the life
};

constexpr Wrong kWrongs[] = {
    {"one error", ErrorCode::kIo, FileOperation::kAny, false},
    {"a full disk", ErrorCode::kLimitExceeded, FileOperation::kAppend, true},
};

TEST_CASE("Whatever fails and when, what is promised holds, then and after the power went") {
  const Wrong& wrong = kWrongs[GENERATE(0, 1)];
  CAPTURE(wrong.name);
  bool met = true;
  int nth = 0;
  for (; met; nth += kStep) {
    CAPTURE(nth);
    MemoryFileSystem disk;
    FaultFileSystem files(disk);
    TestDatabase database(files, Careful());
    Promises promises;
    files.Inject({.operation = wrong.operation,
                  .nth = nth + 1,
                  .code = wrong.code,
                  .written_bytes = static_cast<size_t>(nth) % 40,
                  .stays = wrong.stays});
    Life(database, promises).Run();
    met = files.failed() > 0;
    files.ClearFaults();
    REQUIRE(promises.Broken(ReadAll(*database)) == "");
    CutPower(database, files, disk);
    if (nth % 2 == 0) LoseIndex(database);
    REQUIRE(database.TryOpen());
    REQUIRE(promises.Broken(ReadAll(*database)) == "");
    if (!met) CHECK(promises.sure() > 10);
  }
  CHECK(nth > 50);
}

TEST_CASE("A start that fails at any step is one that can be tried again") {
  bool met = true;
  for (int nth = 1; met; nth += kStep) {
    CAPTURE(nth);
    MemoryFileSystem disk;
    FaultFileSystem files(disk);
    TestDatabase database(files, Careful());
    Promises promises;
    Life(database, promises).Run();
    CutPower(database, files, disk);
    if (nth % 2 == 0) LoseIndex(database);
    files.Inject({.operation = FileOperation::kAny, .nth = nth, .written_bytes = 5});
    const int before = files.failed();
    const Status opened = database.TryOpen();
    met = files.failed() > before;
    files.ClearFaults();
    if (!opened) {
      REQUIRE(opened.error().code == ErrorCode::kIo);
      REQUIRE(database.TryOpen());
    }
    REQUIRE(promises.Broken(ReadAll(*database)) == "");
    database.Reopen();
    REQUIRE(promises.Broken(ReadAll(*database)) == "");
  }
}

TEST_CASE("Whichever fsync of the index fails, what is promised holds, then and after a restart") {
  bool met = true;
  int nth = 1;
  for (; met; nth = NextSync(nth)) {
    CAPTURE(nth);
    MemoryFileSystem disk;
    FaultFileSystem files(disk);
    FailingSyncs syncs;
    tsdb::Options options = Careful();
    options.index.environment = syncs.environment();
    TestDatabase database(files, options);
    Promises promises;
    syncs.FailFrom(nth);
    Life(database, promises).Run();
    met = syncs.failed() > 0;
    CHECK(promises.sure() > 10);
    REQUIRE(promises.Broken(ReadAll(*database)) == "");
    CutPower(database, files, disk);
    syncs.Heal();
    REQUIRE(database.TryOpen());
    REQUIRE(promises.Broken(ReadAll(*database)) == "");
  }
  CHECK(nth > 10);
}

TEST_CASE("What a failed cut has set apart is not dropped by a deletion of what is older") {
  MemoryFileSystem disk;
  FaultFileSystem files(disk);
  TestDatabase database(files, Careful());
  const auto appender = database->NewAppender();
  const SeriesId id = *appender->Resolve(Named("a"));
  for (const int64_t minute : {5, 100, 300}) appender->Append(id, {FromMs(minute * kMinuteMs), 1});
  REQUIRE(appender->Commit());
  database.clock().Set(FromMs(300 * kMinuteMs));
  files.Inject({.operation = FileOperation::kAppend, .path_part = "/blocks/"});
  REQUIRE_FALSE(database->Maintain());
  const TimeRange old{FromMs(0), FromMs(10 * kMinuteMs)};
  REQUIRE(database->DeleteSeries(old, AllSeries()));
  CHECK(ReadAll(*database).at(Named("a").ToString()).size() == 2);
  database.Reopen();
  CHECK(ReadAll(*database).at(Named("a").ToString()).size() == 2);
}

}  // namespace
}  // namespace barograph::test
