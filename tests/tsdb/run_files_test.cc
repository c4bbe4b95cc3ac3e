#include "tsdb/head/run_files.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "tests/support/fault_file_system.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/memory_sink.h"
#include "tests/support/temp_dir.h"
#include "tsdb/wal/format.h"

namespace barograph::test {
namespace {

using tsdb::RunFiles;

/// Files in a folder that can be opened again, and what is read from them then.
class Folder {
 public:
  explicit Folder(FileSystem& files, uint64_t file_bytes = 4096, std::string path = "/head",
                  bool check_late = false)
      : files_(files),
        options_{.directory = std::move(path),
                 .prefix = "lone",
                 .file_bytes = file_bytes,
                 .check_late = check_late} {
    Reopen();
  }

  void Reopen() {
    found.clear();
    runs.reset();
    auto opened =
        RunFiles::Open(files_, options_, MemorySink::MakeLogger(sink),
                       [this](const RunFiles::Stored& stored) { found.push_back(stored); });
    REQUIRE(opened);
    runs = std::move(*opened);
  }
  std::string PathOf(uint64_t number) const {
    return options_.directory + "/lone-" + tsdb::wal::SegmentName(number);
  }

  std::unique_ptr<RunFiles> runs;
  std::vector<RunFiles::Stored> found;
  std::shared_ptr<MemorySink> sink = std::make_shared<MemorySink>();

 private:
  FileSystem& files_;
  RunFiles::Options options_;
};

std::vector<std::string> Payloads(const std::vector<RunFiles::Stored>& stored) {
  std::vector<std::string> payloads;
  for (const auto& each : stored) payloads.emplace_back(each.bytes);
  return payloads;
}

TEST_CASE("Payloads are read where they were written, and found again in their order") {
  const TempDir dir;
  MemoryFileSystem memory;
  FileSystem* const disks[] = {&memory, &PosixFileSystem()};
  for (FileSystem* files : disks) {
    Folder folder(*files, 2000, dir.path() + "/head");
    std::mt19937 random(1);
    std::vector<std::string> payloads;
    std::vector<RunFiles::Stored> stored;
    for (int i = 0; i < 200; ++i) {
      payloads.emplace_back(random() % 300, static_cast<char>(i));
      if (i == 50) payloads.back().resize(5000);  // more than a file has room for
      const auto appended = folder.runs->Append(payloads.back());
      REQUIRE(appended);
      stored.push_back(*appended);
      if (i % 70 == 0) folder.Reopen();
    }
    CHECK(Payloads(stored) == payloads);
    CHECK(stored.back().file > 10);
    folder.Reopen();
    CHECK(Payloads(folder.found) == payloads);
    uint64_t bytes = 0;
    for (const auto& entry : *files->List(dir.path() + "/head")) bytes += entry.size;
    CHECK(folder.runs->bytes() == bytes);
    CHECK(folder.sink->lines().empty());
  }
}

std::string HexOf(std::string_view bytes) {
  std::string hex;
  for (const char byte : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    hex += kDigits[static_cast<uint8_t>(byte) >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

TEST_CASE("A run file has its documented bytes") {
  MemoryFileSystem memory;
  Folder folder(memory);
  REQUIRE(folder.runs->Append("hello"));
  CHECK(HexOf(*memory.ReadFile(folder.PathOf(1))) ==
        "4241524f52554e31b5527c74050000009a223f8168656c6c6f");
}

TEST_CASE("What was synced survives a crash of the machine, and a torn end is cut off") {
  for (const size_t kept : {0, 5, 12, 15, 1000}) {
    MemoryFileSystem memory;
    Folder folder(memory, 200);
    std::vector<std::string> payloads;
    const auto append = [&](int count) {
      for (int i = 0; i < count; ++i) {
        payloads.push_back("payload " + std::to_string(payloads.size()));
        REQUIRE(folder.runs->Append(payloads.back()));
      }
    };
    append(23);
    REQUIRE(folder.runs->Sync());
    append(1);
    REQUIRE(folder.runs->Sync());
    append(2);
    folder.runs.reset();
    memory.Crash(kept);
    folder.Reopen();
    REQUIRE(folder.found.size() >= 24);
    payloads.resize(folder.found.size());
    CHECK(Payloads(folder.found) == payloads);
    append(3);
    folder.Reopen();
    CHECK(Payloads(folder.found) == payloads);
  }
}

TEST_CASE("A damaged frame costs that frame") {
  MemoryFileSystem memory;
  Folder folder(memory, 100);
  for (int i = 0; i < 10; ++i) REQUIRE(folder.runs->Append(std::string(30, static_cast<char>(i))));
  const std::string path = folder.PathOf(2);
  const std::string good = *memory.ReadFile(path);
  for (size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] ^= 0x40;
    REQUIRE(memory.WriteFile(path, bad));
    folder.sink = std::make_shared<MemorySink>();
    folder.Reopen();
    INFO("byte " << at);
    CHECK(folder.found.size() == (at < 8 ? 10 : 9));
    CHECK_FALSE(folder.sink->lines().empty());
  }
}

TEST_CASE("Files go when they are dropped, and their bytes with the last owner") {
  MemoryFileSystem memory;
  Folder folder(memory);
  const auto first = folder.runs->Append("first");
  REQUIRE(folder.runs->Append("second"));
  const uint64_t last = folder.runs->Rotate();
  CHECK(first->file == last);
  CHECK(folder.runs->Rotate() == last);
  const auto third = folder.runs->Append("third");
  CHECK(third->file == last + 1);
  REQUIRE(folder.runs->DropThrough(last));
  CHECK_FALSE(memory.Exists(folder.PathOf(last)));
  CHECK(first->bytes == "first");
  REQUIRE(folder.runs->Sync());
  folder.runs.reset();
  memory.Crash();
  folder.Reopen();
  CHECK(Payloads(folder.found) == std::vector<std::string>{"third"});
}

TEST_CASE("A full disk or an error leaves nothing behind, and the next try goes on") {
  const Fault faults[] = {
      {.operation = FileOperation::kOpen},
      {.operation = FileOperation::kOpen, .nth = 2},
      {.operation = FileOperation::kMap},
      {.operation = FileOperation::kAppend, .code = ErrorCode::kLimitExceeded, .written_bytes = 3},
      {.operation = FileOperation::kAppend, .nth = 2, .written_bytes = 17},
  };
  for (const Fault& fault : faults) {
    for (const bool can_truncate : {true, false}) {
      for (const int begin : {0, 3}) {
        MemoryFileSystem memory;
        FaultFileSystem files(memory);
        Folder folder(files, 100);
        std::vector<std::string> payloads;
        for (int i = 0; i < begin + 12; ++i) {
          if (i == begin) {
            files.Inject(fault);
            if (!can_truncate) files.Inject({.operation = FileOperation::kTruncate});
          }
          const std::string payload = "payload " + std::to_string(i);
          if (folder.runs->Append(payload)) payloads.push_back(payload);
        }
        CHECK(payloads.size() == static_cast<size_t>(begin + 11));
        files.ClearFaults();
        folder.Reopen();
        CHECK(Payloads(folder.found) == payloads);
      }
    }
  }
}

TEST_CASE("After a sync that failed nothing more is promised") {
  for (const FileOperation operation : {FileOperation::kSync, FileOperation::kSyncDirectory}) {
    MemoryFileSystem memory;
    FaultFileSystem files(memory);
    Folder folder(files);
    REQUIRE(folder.runs->Append("a"));
    files.Inject({.operation = operation});
    CHECK_FALSE(folder.runs->Sync());
    CHECK_FALSE(folder.runs->Sync());
    CHECK_FALSE(folder.runs->Append("b"));
    folder.Reopen();
    CHECK(Payloads(folder.found) == std::vector<std::string>{"a"});
  }
}

TEST_CASE("A file that cannot be removed goes later") {
  MemoryFileSystem memory;
  FaultFileSystem files(memory);
  Folder folder(files, 20);
  for (int i = 0; i < 4; ++i) REQUIRE(folder.runs->Append("payload"));
  files.Inject({.operation = FileOperation::kRemove, .nth = 2});
  CHECK_FALSE(folder.runs->DropThrough(3));
  CHECK(folder.runs->DropThrough(3));
  folder.Reopen();
  CHECK(folder.found.size() == 1);
}

TEST_CASE("What a killed process had not synced is synced by the next") {
  for (const bool check_late : {false, true}) {
    MemoryFileSystem memory;
    Folder folder(memory, 4096, "/head", check_late);
    REQUIRE(folder.runs->Append("first"));
    folder.Reopen();
    REQUIRE(folder.runs->Append("second"));
    REQUIRE(folder.runs->Sync());
    folder.runs.reset();
    memory.Crash();
    folder.Reopen();
    CHECK(Payloads(folder.found) == std::vector<std::string>{"first", "second"});
  }
}

bool Passes(const RunFiles::Stored& stored) {
  return stored.check == nullptr || stored.check->Passes([] { return true; });
}

/// Two files, of which all but the last three payloads are synced, marked so, and checked late.
class MarkedFolder : public Folder {
 public:
  explicit MarkedFolder(FileSystem& files) : Folder(files, 150, "/head", true) {
    const auto append = [this](int count) {
      for (int i = 0; i < count; ++i) {
        payloads.push_back("payload " + std::to_string(payloads.size()));
        REQUIRE(runs->Append(payloads.back()));
      }
    };
    append(2);
    REQUIRE(runs->Sync());
    append(5);
    REQUIRE(runs->Sync());
    REQUIRE(runs->Sync());  // nothing new, and no mark
    append(3);
  }
  size_t CountLate() const {
    return static_cast<size_t>(std::ranges::count_if(
        found, [](const RunFiles::Stored& stored) { return stored.check != nullptr; }));
  }

  std::vector<std::string> payloads;
};

TEST_CASE("Payloads that were synced are checked when they are first used") {
  MemoryFileSystem memory;
  MarkedFolder folder(memory);
  for (int i = 0; i < 2; ++i) {
    folder.Reopen();
    CHECK(Payloads(folder.found) == folder.payloads);
    CHECK(folder.CountLate() == 7);
    CHECK(std::ranges::all_of(folder.found, Passes));
    CHECK(folder.sink->lines().empty());
  }
  // Those of a killed process are synced with the next that come.
  REQUIRE(folder.runs->Append("more"));
  REQUIRE(folder.runs->Sync());
  folder.Reopen();
  CHECK(folder.CountLate() == 11);
}

TEST_CASE("A flipped byte costs one payload, whether it was synced or not") {
  MemoryFileSystem memory;
  MarkedFolder folder(memory);
  for (const uint64_t number : {1, 2}) {
    const std::string path = folder.PathOf(number);
    const std::string good = *memory.ReadFile(path);
    for (size_t at = RunFiles::kMagic.size(); at < good.size(); ++at) {
      std::string bad = good;
      bad[at] ^= 0x10;
      REQUIRE(memory.WriteFile(path, bad));
      folder.sink = std::make_shared<MemorySink>();
      folder.Reopen();
      INFO("file " << number << ", byte " << at);
      std::erase_if(folder.found, [](const auto& stored) { return !Passes(stored); });
      const std::vector<std::string> left = Payloads(folder.found);
      CHECK(left.size() + 1 >= folder.payloads.size());
      CHECK(std::ranges::includes(folder.payloads, left));
      // A mark that a newer one has made useless can be damaged and unread.
      if (left.size() == folder.payloads.size() && folder.sink->lines().empty()) continue;
      CHECK(folder.sink->Contains(path));
      CHECK(folder.sink->Contains("offset"));
    }
    REQUIRE(memory.WriteFile(path, good));
  }
}

TEST_CASE("Garbage behind what was synced is not taken for it, and is cut off") {
  MemoryFileSystem memory;
  MarkedFolder folder(memory);
  const std::string path = folder.PathOf(2);
  const std::string good = *memory.ReadFile(path);
  const size_t synced =
      memory.UnsyncedBytes(path) == 0 ? good.size() : good.size() - memory.UnsyncedBytes(path);
  REQUIRE(synced < good.size());
  for (size_t kept = synced; kept < good.size(); ++kept) {
    for (const char fill : {'\0', '\xB5'}) {
      std::string torn = good.substr(0, kept) + std::string(good.size() - kept, fill);
      if (torn == good) continue;
      REQUIRE(memory.WriteFile(path, torn));
      folder.Reopen();
      INFO("kept " << kept);
      std::vector<std::string> left = Payloads(folder.found);
      CHECK(std::ranges::all_of(folder.found, Passes));
      REQUIRE(left.size() >= 7);
      REQUIRE(left.size() < folder.payloads.size());
      CHECK(std::ranges::equal(left, std::span(folder.payloads).first(left.size())));
    }
  }
}

TEST_CASE("A mark of what was synced has its documented bytes") {
  MemoryFileSystem memory;
  Folder folder(memory, 4096, "/head", true);
  REQUIRE(folder.runs->Append("hello"));
  REQUIRE(folder.runs->Sync());
  CHECK(HexOf(*memory.ReadFile(folder.PathOf(1))).substr(50) == "b553af8002000000ec09f1d50119");
}

}  // namespace
}  // namespace barograph::test
