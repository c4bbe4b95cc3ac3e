// Usage: full_disk_test
//
// A file system of a few megabytes is filled to the brim under a storage that writes to it, and
// room is made again: what cannot be written is refused by name, all that was acknowledged stays
// readable, and all goes on without a restart. Real, as RocksDB and mapped files know no fault file
// system. Ends with 77 where it is not allowed to mount one (in a mount namespace of its own).

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/metrics/registry.h"
#include "tests/support/temp_dir.h"
#include "tsdb/database.h"
#include "tsdb/index/series_index.h"

namespace barograph {
namespace {

namespace fs = std::filesystem;

constexpr int kSkipped = 77;

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "full_disk_test: %s\n", what.c_str());
  std::_Exit(1);
}

void Require(bool holds, const std::string& what) {
  if (!holds) Die(what);
}

template <typename T>
  requires(!std::is_void_v<T>)
T Need(Result<T> result) {
  if (!result) Die(result.error().message);
  return std::move(*result);
}

void Need(const Status& status) {
  if (!status) Die(status.error().message);
}

void WriteText(const char* path, const std::string& text) { std::ofstream(path) << text; }

// Whether mounts are now this process's own business.
bool EnterNamespace() {
  const uid_t user = getuid();
  const gid_t group = getgid();
  if (unshare(CLONE_NEWNS) == 0) return true;
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
  WriteText("/proc/self/setgroups", "deny");
  WriteText("/proc/self/uid_map", "0 " + std::to_string(user) + " 1");
  WriteText("/proc/self/gid_map", "0 " + std::to_string(group) + " 1");
  return true;
}

/// A disk of 8 MiB.
class SmallDisk {
 public:
  bool Mount() const {
    (void)mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    return mount("tmpfs", dir_.path().c_str(), "tmpfs", 0, "size=8m") == 0;
  }
  ~SmallDisk() { umount2(dir_.path().c_str(), MNT_DETACH); }

  std::string path() const { return dir_.path(); }

  /// Takes all but so many bytes.
  void FillBut(uint64_t bytes) {
    const uint64_t room = fs::space(path()).available;
    if (room <= bytes) return;
    std::ofstream file(filler(), std::ios::binary);
    const std::string zeros(4096, '\0');
    for (uint64_t written = 0; written + bytes < room; written += zeros.size()) file << zeros;
    file.flush();
  }
  void MakeRoom() { fs::remove(filler()); }

 private:
  std::string filler() const { return path() + "/filler"; }
  test::TempDir dir_;
};

// RocksDB looks for room every few seconds.
template <typename F>
void WaitFor(const std::string& what, F&& done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!done()) {
    Require(std::chrono::steady_clock::now() < deadline, "no " + what);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

// ---- The series index alone.

std::vector<tsdb::SeriesIndex::Entry> Batch(uint64_t number) {
  std::vector<tsdb::SeriesIndex::Entry> entries;
  for (uint64_t i = 1; i <= 500; ++i) {
    const uint64_t id = number * 500 + i;
    // So long and so mixed that they take room.
    const Labels labels{{"__name__", "m"},
                        {"x", std::to_string(id * 0x9e3779b97f4a7c15) + "/" +
                                  std::to_string(id * 0xc2b2ae3d27d4eb4f)}};
    entries.push_back({SeriesId{id}, std::string(labels.packed())});
  }
  return entries;
}

void CheckIndex(const tsdb::SeriesIndex& index, uint64_t batches) {
  for (uint64_t number = 0; number < batches; ++number) {
    for (const auto& [id, packed] : Batch(number)) {
      const auto labels = Need(index.LabelsOf(id));
      Require(labels && labels->packed() == packed, "a series of the index is lost");
    }
  }
}

void FillIndex(SmallDisk& disk) {
  const std::string path = disk.path() + "/index";
  tsdb::SeriesIndexOptions options;
  options.write_buffer_bytes = size_t{256} << 10;
  const auto index = Need(tsdb::SeriesIndex::Open(path, options));
  uint64_t batches = 0;
  const auto write = [&]() -> Status {
    TRY(index->Put(Batch(batches)));
    TRY(index->Flush());
    ++batches;
    return {};
  };
  Need(write());
  disk.FillBut(300'000);
  Status written;
  while ((written = write())) Require(batches < 1000, "the disk is never full");
  Require(written.error().code == ErrorCode::kLimitExceeded,
          "a full disk is called something else: " + written.error().message);
  CheckIndex(*index, batches);
  disk.MakeRoom();
  WaitFor("writing of the index after room was made", [&] { return write().has_value(); });
  const uint64_t before = batches;
  for (int i = 0; i < 5; ++i) Need(write());
  CheckIndex(*index, before + 5);
}

void RunIndex(SmallDisk& disk) {
  FillIndex(disk);
  const auto index = Need(tsdb::SeriesIndex::Open(disk.path() + "/index"));
  Need(index->VerifyChecksums());
  std::printf("full_disk_test: the series index went on\n");
}

// ---- A whole database.

tsdb::Options OptionsOn(const SmallDisk& disk) {
  return {.path = disk.path() + "/data",
          .min_block_duration = std::chrono::milliseconds(200),
          .max_block_duration = std::chrono::milliseconds(1800),
          .retention = {.time = Duration(0)},
          .maintenance_interval = std::chrono::milliseconds(20),
          .fsync_interval = std::chrono::milliseconds(20),
          .wal_segment_bytes = 64 << 10,
          .index_interval = std::chrono::milliseconds(30),
          .index_path = {}};
}

// Full-entropy values, which take room.
double ValueOf(size_t column, int64_t ms) {
  return static_cast<double>((static_cast<uint64_t>(ms) * 40 + column) * 0x9e3779b97f4a7c15) / 3;
}

/// A target of 40 series, and the times that were acknowledged.
class Target {
 public:
  void Open(tsdb::Database& database) {
    table_ = Need(database.OpenTable());
    for (size_t c = 0; c < kColumns; ++c) {
      Need(table_->AddColumn({{"__name__", "m"}, {"c", std::to_string(c)}}));
    }
  }
  void Close() { table_.reset(); }

  Status Append() {
    std::vector<double> values;
    const std::vector<uint64_t> present{~uint64_t{0}};
    const int64_t ms = next_ms_++;
    for (size_t c = 0; c < kColumns; ++c) values.push_back(ValueOf(c, ms));
    TRY(table_->AppendRow({FromMs(ms), values, present, {}}));
    times_.push_back(ms);
    return {};
  }

  void Check(const tsdb::Database& database) const {
    const auto selection =
        Need(database.Select({}, Matchers{Matcher::Equal("__name__", "m")}, {}, {}));
    Require(selection->size() == kColumns, "series are missing");
    const auto cursor = selection->NewCursor();
    for (size_t i = 0; i < selection->size(); ++i) {
      const size_t column = std::stoul(std::string(selection->labels(i).Get("c")));
      const SeriesSamples samples = Need(cursor->Read(i));
      Require(samples.size() == times_.size(), "samples are lost, or there that were refused");
      for (size_t s = 0; s < samples.size(); ++s) {
        const int64_t ms = ToMs(samples.timestamps[s]);
        Require(ms == times_[s] && samples.values[s] == ValueOf(column, ms), "a wrong sample");
      }
    }
  }

 private:
  static constexpr size_t kColumns = 40;
  std::unique_ptr<ScrapeTable> table_;
  int64_t next_ms_ = 0;
  std::vector<int64_t> times_;
};

void FillDatabase(SmallDisk& disk, Target& target) {
  MetricsRegistry metrics;
  const auto database = Need(
      tsdb::Database::Open(PosixFileSystem(), SystemClock(), Logger(), metrics, OptionsOn(disk)));
  target.Open(*database);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 200; ++i) Need(target.Append());
    disk.FillBut(400'000);
    Status appended;
    while ((appended = target.Append())) {
    }
    Require(appended.error().code == ErrorCode::kLimitExceeded,
            "a full disk is called something else: " + appended.error().message);
    for (int i = 0; i < 20; ++i) (void)target.Append();
    target.Check(*database);
    disk.MakeRoom();
    WaitFor("append after room was made", [&] { return target.Append().has_value(); });
    WaitFor("maintenance after room was made", [&] { return database->Maintain().has_value(); });
    target.Check(*database);
  }
  target.Close();
}

void RunDatabase(SmallDisk& disk) {
  Target target;
  FillDatabase(disk, target);
  MetricsRegistry metrics;
  const auto database = Need(
      tsdb::Database::Open(PosixFileSystem(), SystemClock(), Logger(), metrics, OptionsOn(disk)));
  target.Check(*database);
  std::printf("full_disk_test: the database went on\n");
}

}  // namespace
}  // namespace barograph

int main() {
  using namespace barograph;
  if (!EnterNamespace()) return kSkipped;
  SmallDisk disk;
  if (!disk.Mount()) return kSkipped;
  RunIndex(disk);
  fs::remove_all(disk.path() + "/index");
  RunDatabase(disk);
  return 0;
}
