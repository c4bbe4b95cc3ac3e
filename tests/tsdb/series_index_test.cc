#include "tsdb/index/series_index.h"

#include <catch2/catch.hpp>

#include "tests/support/temp_dir.h"
#include "tsdb/index/store.h"

namespace barograph::tsdb {
namespace {

std::unique_ptr<SeriesIndex> OpenIndex(const std::string& path) {
  auto index = SeriesIndex::Open(path);
  REQUIRE(index);
  return std::move(*index);
}

SeriesIndex::Entry MakeEntry(uint64_t id, const Labels& labels) {
  return {SeriesId{id}, std::string(labels.packed())};
}

const Labels kA{{"__name__", "a"}, {"job", "x"}};
const Labels kB{{"__name__", "b"}, {"job", "x"}};
const Labels kC{{"__name__", "b"}, {"job", "xy"}};
constexpr uint64_t kFar = (uint64_t{1} << 32) + 5;

}  // namespace

TEST_CASE("The series index finds by labels, by id and by label pair, after a restart too") {
  const test::TempDir dir;
  {
    const auto index = OpenIndex(dir.path() + "/i");
    CHECK(*index->LastId() == kNoSeries);
    CHECK(*index->Find(kA) == kNoSeries);
    REQUIRE(index->Put(std::vector{MakeEntry(1, kA), MakeEntry(2, kB)}));
    REQUIRE(index->Put(std::vector{MakeEntry(2, kB), MakeEntry(kFar, kC)}));
    REQUIRE(index->Put({}));
    REQUIRE(index->Flush());
  }
  const auto index = OpenIndex(dir.path() + "/i");
  CHECK(*index->LastId() == SeriesId{kFar});
  CHECK(*index->Find(kB) == SeriesId{2});
  CHECK(*index->Find({{"__name__", "c"}}) == kNoSeries);
  CHECK(**index->LabelsOf(SeriesId{kFar}) == kC);
  CHECK_FALSE(*index->LabelsOf(SeriesId{3}));
}

TEST_CASE("What was read of an index's files is given back, and read again when it is needed") {
  const test::TempDir dir;
  {
    const auto index = OpenIndex(dir.path() + "/i");
    std::vector<SeriesIndex::Entry> entries;
    for (uint64_t id = 1; id <= 5000; ++id) {
      entries.push_back(MakeEntry(id, {{"__name__", "a"}, {"i", std::to_string(id)}}));
    }
    REQUIRE(index->Put(entries));
    REQUIRE(index->Flush());
  }
  const auto index = OpenIndex(dir.path() + "/i");
  const auto find_all = [&] {
    for (uint64_t id = 1; id <= 5000; ++id) {
      CHECK(*index->Find({{"__name__", "a"}, {"i", std::to_string(id)}}) == SeriesId{id});
    }
  };
  find_all();
  const size_t used = index->cached_bytes();
  index->ReleaseFiles();
  CHECK(index->cached_bytes() < used / 4);
  find_all();
  CHECK(index->cached_bytes() > used / 2);
}

TEST_CASE("What was not flushed when the index ended is gone as a whole") {
  const test::TempDir dir;
  {
    REQUIRE(OpenIndex(dir.path() + "/i")->Put(std::vector{MakeEntry(1, kA)}));
  }
  const auto index = OpenIndex(dir.path() + "/i");
  const bool there = *index->Find(kA) != kNoSeries;
  CHECK((*index->LastId() != kNoSeries) == there);
  CHECK(index->LabelsOf(SeriesId{1})->has_value() == there);
}

TEST_CASE("Series of a day that were never put are told, and the others noted") {
  const test::TempDir dir;
  const auto index = OpenIndex(dir.path() + "/i");
  REQUIRE(index->Put(std::vector{MakeEntry(1, kA), MakeEntry(kFar, kC)}));
  const auto added =
      index->AddToPartition(PartitionId{3}, std::vector{SeriesId{1}, SeriesId{2}, SeriesId{kFar}});
  REQUIRE_FALSE(added);
  CHECK(added.error().code == ErrorCode::kNotFound);
  const auto ids = index->Match(PartitionId{3}, PartitionId{3}, {}, {});
  CHECK(*ids == std::vector{SeriesId{1}, SeriesId{kFar}});
  CHECK(index->Match(PartitionId{4}, kLastPartition, {}, {})->empty());
  CHECK(index->Partitions() == std::vector{PartitionId{3}});
}

TEST_CASE("An index of a format that a newer version made is refused, and not called damaged") {
  const test::TempDir dir;
  const std::string path = dir.path() + "/i";
  {
    const auto store = std::move(*index::Store::Open(path, {}));
    index::BatchWriter writer(*store);
    REQUIRE(writer.Put(index::Family::kState, "format", "9"));
    REQUIRE(writer.Finish());
    REQUIRE(store->Flush());
  }
  const auto opened = SeriesIndex::Open(path);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == ErrorCode::kInvalidArgument);
  CHECK_THAT(opened.error().message, Catch::Contains("its format is \"9\""));
}

TEST_CASE("An index with a part that a newer version made is refused, and not called damaged") {
  const test::TempDir dir;
  const std::string path = dir.path() + "/i";
  {
    rocksdb::Options options;
    options.create_if_missing = true;
    rocksdb::DB* db = nullptr;
    REQUIRE(rocksdb::DB::Open(options, path, &db).ok());
    const std::unique_ptr<rocksdb::DB> owned(db);
    rocksdb::ColumnFamilyHandle* family = nullptr;
    REQUIRE(db->CreateColumnFamily(options, "novelty", &family).ok());
    REQUIRE(db->DestroyColumnFamilyHandle(family).ok());
  }
  const auto opened = SeriesIndex::Open(path);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == ErrorCode::kInvalidArgument);
  CHECK_THAT(opened.error().message, Catch::Contains("novelty"));
}

TEST_CASE("Old days go where the ids of the newer ones fill their sets to the end") {
  constexpr uint64_t kContainer = 1 << 16;  // of a set
  const test::TempDir dir;
  const auto index = OpenIndex(dir.path() + "/i");
  std::vector<SeriesIndex::Entry> entries;
  std::vector<SeriesId> newer;
  const auto define = [&](uint64_t id) {
    entries.push_back(MakeEntry(id, {{"__name__", std::to_string(id)}}));
    if (id > 1) newer.push_back(SeriesId{id});
  };
  for (const uint64_t id : {1, 5}) define(id);
  for (uint64_t id = kContainer + 2; id < 2 * kContainer; ++id) define(id);
  REQUIRE(index->Put(entries));
  REQUIRE(index->AddToPartition(PartitionId{1}, {{SeriesId{1}}}));
  REQUIRE(index->AddToPartition(PartitionId{2}, newer));
  REQUIRE(index->DropPartitionsBefore(PartitionId{2}, [](SeriesId) { return false; }));
  CHECK_FALSE(index->LabelsOf(SeriesId{1})->has_value());
  for (const SeriesId id : {newer.front(), newer[1], newer.back()}) {
    CHECK(index->LabelsOf(id)->has_value());
  }
}

}  // namespace barograph::tsdb
