#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <random>

#include "tests/support/temp_dir.h"
#include "tests/tsdb/failing_syncs.h"
#include "tsdb/index/series_index.h"

// An index whose files are damaged gives an error or the truth, and never falls.

namespace barograph::tsdb {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kSeries = 2000;
constexpr PartitionId kDay{20'000};

Labels LabelsFor(uint64_t id) {
  return {{"__name__", "metric_" + std::to_string(id % 50)}, {"pod", std::to_string(id * 7919)}};
}

/// An index of several files, closed.
void MakeIndex(const std::string& path) {
  const auto index = std::move(*SeriesIndex::Open(path));
  for (uint64_t first = 1; first < kSeries; first += kSeries / 2) {
    std::vector<SeriesIndex::Entry> entries;
    std::vector<SeriesId> ids;
    for (uint64_t id = first; id < first + kSeries / 2; ++id) {
      entries.push_back({SeriesId{id}, std::string(LabelsFor(id).packed())});
      ids.push_back(SeriesId{id});
    }
    REQUIRE(index->Put(entries));
    REQUIRE(index->AddToPartition(kDay, ids));
    REQUIRE(index->Flush());
  }
}

/// Asks everything; an error, or nullopt when all answers are true.
std::optional<Error> AskAll(const std::string& path) {
  auto opened = SeriesIndex::Open(path);
  if (!opened) return opened.error();
  const SeriesIndex& index = **opened;
  const Matchers some = {*Matcher::Make(MatchType::kRegex, "pod", ".*7")};
  const auto all = index.Match(kDay, kDay, {}, {});
  if (!all) return all.error();
  CHECK(all->size() == kSeries);
  if (auto matched = index.Match(kDay, kDay, some, {}); !matched) return matched.error();
  if (auto values = index.LabelValues("pod", kDay, kDay, some, {}); !values) return values.error();
  size_t read = 0;
  const auto compare = [&](SeriesId id, std::string_view packed) {
    ++read;
    CHECK(packed == LabelsFor(static_cast<uint64_t>(id)).packed());
  };
  if (auto s = index.ForEach(compare, {}); !s) return s.error();
  CHECK(read == kSeries);
  for (uint64_t id = 1; id <= kSeries; id += 37) {
    const auto found = index.Find(LabelsFor(id));
    if (!found) return found.error();
    CHECK(*found == SeriesId{id});
  }
  return std::nullopt;
}

std::vector<fs::path> FilesOf(const std::string& path, bool essential_only) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(path)) {
    const std::string name = entry.path().filename();
    const bool essential =
        name.ends_with(".sst") || name.starts_with("MANIFEST-") || name == "CURRENT";
    if (essential || !essential_only) files.push_back(entry.path().filename());
  }
  return files;
}

void Flip(const fs::path& file, uint64_t offset) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(offset));
  const char byte = static_cast<char>(stream.get() ^ 0x5a);
  stream.seekp(static_cast<std::streamoff>(offset));
  stream.put(byte);
}

}  // namespace

TEST_CASE("An index that lacks one of its files says that it is damaged") {
  const test::TempDir dir;
  MakeIndex(dir.path() + "/whole");
  REQUIRE_FALSE(AskAll(dir.path() + "/whole"));
  int number = 0;
  for (const fs::path& file : FilesOf(dir.path() + "/whole", true)) {
    CAPTURE(file);
    const std::string copy = dir.path() + "/" + std::to_string(++number);
    fs::copy(dir.path() + "/whole", copy);
    fs::remove(copy / file);
    const auto error = AskAll(copy);
    REQUIRE(error);
    CHECK(error->code == ErrorCode::kCorruption);
    CHECK_THAT(error->message, Catch::Contains(copy));
  }
}

TEST_CASE("An index with flipped bytes gives an error or the truth") {
  const test::TempDir dir;
  MakeIndex(dir.path() + "/whole");
  std::mt19937 random(3);
  int number = 0, errors = 0;
  for (int round = 0; round < 4; ++round) {
    for (const fs::path& file : FilesOf(dir.path() + "/whole", false)) {
      const std::string copy = dir.path() + "/" + std::to_string(++number);
      fs::copy(dir.path() + "/whole", copy);
      const uint64_t size = fs::file_size(copy / file);
      if (size == 0) continue;
      const uint64_t offset = random() % size;
      CAPTURE(file, offset);
      Flip(copy / file, offset);
      const auto error = AskAll(copy);
      errors += error ? 1 : 0;
      if (error) CHECK_THAT(error->message, Catch::Contains(copy));
      fs::remove_all(copy);
    }
  }
  CHECK(errors > 4);
}

TEST_CASE("Files that are cut short give an error") {
  const test::TempDir dir;
  MakeIndex(dir.path() + "/whole");
  int number = 0;
  for (const fs::path& file : FilesOf(dir.path() + "/whole", true)) {
    CAPTURE(file);
    const std::string copy = dir.path() + "/" + std::to_string(++number);
    fs::copy(dir.path() + "/whole", copy);
    fs::resize_file(copy / file, fs::file_size(copy / file) / 2);
    const auto error = AskAll(copy);
    REQUIRE(error);
    CHECK(error->code == ErrorCode::kCorruption);
  }
}

// Also those of a compaction, which a flush does not wait for.
TEST_CASE("Whichever fsync fails, what was flushed is there") {
  int nth = 1, cut_short = 0;
  for (bool met = true; met; nth = test::NextSync(nth)) {
    CAPTURE(nth);
    const test::TempDir dir;
    test::FailingSyncs disk;
    disk.FailFrom(nth);
    uint64_t flushed = 0;
    {
      auto opened = SeriesIndex::Open(dir.path() + "/i", {.environment = disk.environment()});
      for (uint64_t id = 1; opened && id <= 4; ++id) {
        const std::vector<SeriesIndex::Entry> entry = {
            {SeriesId{id}, std::string(LabelsFor(id).packed())}};
        const bool good = (*opened)->Put(entry) &&
                          (*opened)->AddToPartition(kDay, {{SeriesId{id}}}) && (*opened)->Flush();
        if (!good) break;
        flushed = id;
      }
    }
    met = disk.failed() > 0;
    if (flushed < 4) ++cut_short;
    CHECK((met || flushed == 4));
    disk.Heal();
    const auto again = SeriesIndex::Open(dir.path() + "/i", {.environment = disk.environment()});
    if (!again) {
      // It was half made: a database makes it anew.
      INFO(again.error().message);
      CHECK(flushed == 0);
      CHECK(again.error().code == ErrorCode::kCorruption);
      continue;
    }
    for (uint64_t id = 1; id <= flushed; ++id) {
      const auto found = (*again)->Find(LabelsFor(id));
      REQUIRE(found);
      CHECK(*found == SeriesId{id});
    }
  }
  CHECK(cut_short > 8);
}

TEST_CASE("A folder that cannot be one is an error of the disk") {
  const test::TempDir dir;
  std::ofstream(dir.path() + "/file") << "x";
  const auto opened = SeriesIndex::Open(dir.path() + "/file/index");
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == ErrorCode::kIo);
}

}  // namespace barograph::tsdb
