#include "base/file_system.h"

#include <catch2/catch.hpp>

#include <numeric>

#include "tests/support/fault_file_system.h"
#include "tests/support/mapped_memory.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/temp_dir.h"

namespace barograph {
namespace {

using test::FaultFileSystem;
using test::MemoryFileSystem;
using test::TempDir;

void Append(FileSystem& files, const std::string& path, std::string_view bytes,
            OpenMode mode = OpenMode::kAppend, bool sync = false) {
  auto file = files.OpenWritable(path, mode);
  REQUIRE(file.has_value());
  REQUIRE((*file)->Append(bytes).has_value());
  if (sync) REQUIRE((*file)->Sync().has_value());
  REQUIRE((*file)->Close().has_value());
}

std::string Read(FileSystem& files, const std::string& path) {
  const auto bytes = files.ReadFile(path);
  return bytes.has_value() ? *bytes : "error: " + bytes.error().message;
}

std::vector<std::string> Names(FileSystem& files, const std::string& folder) {
  const auto entries = files.List(folder);
  REQUIRE(entries.has_value());
  std::vector<std::string> names;
  for (const DirectoryEntry& entry : *entries) {
    names.push_back(entry.name + (entry.is_directory ? "/" : "") + std::to_string(entry.size));
  }
  return names;
}

// What every implementation must do, run against each.
void CheckContract(FileSystem& files, const std::string& root) {
  const std::string folder = root + "/a/b";
  REQUIRE(files.CreateDirectories(folder).has_value());
  REQUIRE(files.CreateDirectories(folder).has_value());

  Append(files, folder + "/f", "one");
  Append(files, folder + "/f", "two");
  CHECK(Read(files, folder + "/f") == "onetwo");
  Append(files, folder + "/f", "x", OpenMode::kCreate, true);
  CHECK(Read(files, folder + "/f") == "x");
  CHECK(files.Size(folder + "/f").value() == 1);
  CHECK(files.BytesBelow(root).value() == 1);
  CHECK(files.BytesBelow(root + "/missing").value() == 0);
  CHECK(files.DiskBytes(root).value() > 0);

  auto file = files.OpenWritable(folder + "/f", OpenMode::kAppend);
  REQUIRE((*file)->Append("yz").has_value());
  REQUIRE((*file)->Truncate(2).has_value());
  REQUIRE((*file)->Append("!").has_value());
  CHECK(Read(files, folder + "/f") == "xy!");

  REQUIRE(files.WriteFile(folder + "/g", std::string(1 << 16, 'g')).has_value());
  Append(files, folder + "/empty", "");
  CHECK(Read(files, folder + "/empty").empty());
  CHECK(Names(files, folder) == std::vector<std::string>{"empty0", "f3", "g65536"});
  CHECK(Names(files, root + "/a").size() == 1);

  REQUIRE(files.Link(folder + "/f", folder + "/l").has_value());
  CHECK_FALSE(files.Link(folder + "/f", folder + "/g").has_value());
  REQUIRE(files.Rename(folder + "/g", folder + "/f").has_value());
  CHECK(Read(files, folder + "/l") == "xy!");
  CHECK(Read(files, folder + "/f").size() == 1 << 16);
  CHECK_FALSE(files.Exists(folder + "/g"));
  REQUIRE(files.SyncDirectory(folder).has_value());

  REQUIRE(files.Rename(root + "/a/b", root + "/a/c").has_value());
  CHECK(files.Exists(root + "/a/c"));
  CHECK(Read(files, root + "/a/c/l") == "xy!");
  REQUIRE(files.Remove(root + "/a/c/l").has_value());
  REQUIRE(files.RemoveAll(root + "/a").has_value());
  REQUIRE(files.RemoveAll(root + "/a").has_value());
  CHECK_FALSE(files.Exists(root + "/a/c/f"));
}

void CheckMissing(FileSystem& files, const std::string& root) {
  const std::string path = root + "/none";
  CHECK(files.Map(path).error().code == ErrorCode::kNotFound);
  CHECK(files.Size(path).error().code == ErrorCode::kNotFound);
  CHECK(files.List(path).error().code == ErrorCode::kNotFound);
  CHECK(files.Remove(path).error().code == ErrorCode::kNotFound);
  CHECK(files.Rename(path, root + "/x").error().code == ErrorCode::kNotFound);
  CHECK(files.Link(path, root + "/x").error().code == ErrorCode::kNotFound);
  CHECK(files.OpenWritable(path + "/f", OpenMode::kCreate).error().code == ErrorCode::kNotFound);
  CHECK(files.SyncDirectory(path).error().code == ErrorCode::kNotFound);
  CHECK(files.Map(path).error().message.contains(path));
}

void CheckLock(FileSystem& files, const std::string& root) {
  auto lock = files.Lock(root + "/lock");
  REQUIRE(lock.has_value());
  CHECK(files.Lock(root + "/lock").error().code == ErrorCode::kUnavailable);
  lock->reset();
  CHECK(files.Lock(root + "/lock").has_value());
}

TEST_CASE("Every file system keeps the contract") {
  SECTION("the machine's disk") {
    const TempDir folder;
    CheckContract(PosixFileSystem(), folder.path());
    CheckMissing(PosixFileSystem(), folder.path());
    CheckLock(PosixFileSystem(), folder.path());
  }
  SECTION("memory") {
    MemoryFileSystem files;
    CheckContract(files, "/data");
    REQUIRE(files.CreateDirectories("/d").has_value());
    CheckMissing(files, "/d");
    CheckLock(files, "/d");
  }
  SECTION("without faults, the fault file system") {
    MemoryFileSystem below;
    FaultFileSystem files(below);
    CheckContract(files, "data");
    REQUIRE(files.CreateDirectories("d").has_value());
    CheckMissing(files, "d");
    CheckLock(files, "d");
  }
}

TEST_CASE("A full disk is a limit that names the path") {
  // Writing to this device always fails for want of room.
  auto file = PosixFileSystem().OpenWritable("/dev/full", OpenMode::kAppend);
  REQUIRE(file.has_value());
  const Status written = (*file)->Append("x");
  REQUIRE_FALSE(written.has_value());
  CHECK(written.error().code == ErrorCode::kLimitExceeded);
  CHECK(written.error().message == "write /dev/full: No space left on device");
}

TEST_CASE("What was read of a mapped file can be given back, and comes again") {
  const TempDir folder;
  const std::string path = folder.path() + "/f";
  Append(PosixFileSystem(), path, std::string(size_t{4} << 20, '\1'));
  for (const bool ahead : {false, true}) {
    const auto mapped =
        ahead ? PosixFileSystem().MapAhead(path, size_t{8} << 20) : PosixFileSystem().Map(path);
    REQUIRE(mapped.has_value());
    const std::string_view bytes = (*mapped)->bytes().substr(0, size_t{4} << 20);
    const auto sum = [&] { return std::accumulate(bytes.begin(), bytes.end(), 0); };
    CHECK(sum() == 4 << 20);
    CHECK(test::MappedBytesOf(path) == size_t{4} << 20);
    (*mapped)->Release();
    CHECK(test::MappedBytesOf(path) == 0);
    CHECK(sum() == 4 << 20);
  }
}

TEST_CASE("A folder is not read as a file") {
  const TempDir folder;
  CHECK(PosixFileSystem().Map(folder.path()).error().code == ErrorCode::kIo);
}

TEST_CASE("A write that fails leaves the file as it was, and no other behind") {
  for (const auto operation :
       {test::FileOperation::kOpen, test::FileOperation::kAppend, test::FileOperation::kSync,
        test::FileOperation::kClose, test::FileOperation::kRename}) {
    MemoryFileSystem below;
    FaultFileSystem files(below);
    REQUIRE(files.CreateDirectories("d").has_value());
    REQUIRE(files.WriteFile("d/f", "old").has_value());
    files.Inject({.operation = operation, .code = ErrorCode::kLimitExceeded, .written_bytes = 1});
    CHECK(files.WriteFile("d/f", "new").error().code == ErrorCode::kLimitExceeded);
    CHECK(Names(below, "d") == std::vector<std::string>{"f3"});
    CHECK(Read(below, "d/f") == "old");
  }
}

TEST_CASE("A written file survives a crash whole") {
  MemoryFileSystem files;
  REQUIRE(files.CreateDirectories("d").has_value());
  REQUIRE(files.WriteFile("d/f", "old").has_value());
  REQUIRE(files.WriteFile("d/f", "new").has_value());
  files.Crash();
  CHECK(Read(files, "d/f") == "new");
  CHECK(Names(files, "d") == std::vector<std::string>{"f3"});
}

TEST_CASE("A crash takes what was not synced: bytes, names and locks") {
  MemoryFileSystem files;
  REQUIRE(files.CreateDirectories("d").has_value());
  Append(files, "d/f", "kept", OpenMode::kCreate, true);
  REQUIRE(files.SyncDirectory("d").has_value());
  Append(files, "d/new", "synced bytes, but not its name", OpenMode::kCreate, true);
  auto file = files.OpenWritable("d/f", OpenMode::kAppend);
  REQUIRE((*file)->Append(" lost").has_value());
  CHECK(files.UnsyncedBytes("d/f") == 5);
  const auto lock = files.Lock("d/lock");
  REQUIRE(lock.has_value());

  SECTION("all of it") {
    files.Crash();
    CHECK(Read(files, "d/f") == "kept");
  }
  SECTION("all but the start of the tail") {
    files.Crash(3);
    CHECK(Read(files, "d/f") == "kept lo");
  }
  CHECK_FALSE((*file)->Append("x").has_value());
  CHECK_FALSE(files.Exists("d/new"));
  CHECK(files.Lock("d/lock").has_value());
}

TEST_CASE("A removed or renamed name comes back when the folder was not synced") {
  MemoryFileSystem files;
  REQUIRE(files.CreateDirectories("d").has_value());
  REQUIRE(files.WriteFile("d/a", "a").has_value());
  REQUIRE(files.WriteFile("d/b", "b").has_value());
  REQUIRE(files.Remove("d/a").has_value());
  REQUIRE(files.Rename("d/b", "d/c").has_value());
  SECTION("not synced") {
    files.Crash();
    CHECK(Names(files, "d") == std::vector<std::string>{"a1", "b1"});
  }
  SECTION("synced") {
    REQUIRE(files.SyncDirectory("d").has_value());
    files.Crash();
    CHECK(Names(files, "d") == std::vector<std::string>{"c1"});
  }
}

TEST_CASE("Faults meet the nth call that fits, once or from then on") {
  MemoryFileSystem below;
  FaultFileSystem files(below);
  using enum test::FileOperation;
  files.Inject({.operation = kAppend, .nth = 2, .path_part = "wal", .written_bytes = 3});
  auto wal = files.OpenWritable("wal", OpenMode::kCreate);
  auto other = files.OpenWritable("other", OpenMode::kCreate);
  CHECK((*wal)->Append("first ").has_value());
  CHECK((*other)->Append("x").has_value());
  CHECK((*wal)->Append("second").error().code == ErrorCode::kIo);
  CHECK((*wal)->Append("!").has_value());
  CHECK(Read(below, "wal") == "first sec!");
  CHECK(files.count(kAppend) == 4);

  files.Inject({.operation = kSync, .stays = true});
  CHECK_FALSE((*wal)->Sync().has_value());
  CHECK_FALSE((*other)->Sync().has_value());
  files.ClearFaults();
  CHECK((*wal)->Sync().has_value());
}

}  // namespace
}  // namespace barograph
