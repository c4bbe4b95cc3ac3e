#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "tests/support/temp_dir.h"
#include "tsdb/index/series_index.h"

namespace barograph::tsdb {
namespace {

constexpr uint64_t kLasting = 200, kADay = 100;
constexpr int32_t kDays = 20;

Labels LabelsFor(uint64_t id) {
  const bool lasting = id <= kLasting;
  return {{"__name__", "m"}, {"kind", lasting ? "lasting" : "daily"}, {"n", std::to_string(id)}};
}

std::vector<SeriesId> Define(SeriesIndex& index, uint64_t first, uint64_t count) {
  std::vector<SeriesIndex::Entry> entries;
  std::vector<SeriesId> ids;
  for (uint64_t id = first; id < first + count; ++id) {
    entries.push_back({SeriesId{id}, std::string(LabelsFor(id).packed())});
    ids.push_back(SeriesId{id});
  }
  if (!index.Put(entries)) ids.clear();
  return ids;
}

}  // namespace

TEST_CASE("Readers of the index see what was there before, beside a writer") {
  const test::TempDir dir;
  const auto index = std::move(*SeriesIndex::Open(
      dir.path() + "/i", {.postings_cache_bytes = 16'384, .write_buffer_bytes = 256 << 10}));
  const std::vector<SeriesId> lasting = Define(*index, 1, kLasting);
  REQUIRE(lasting.size() == kLasting);
  REQUIRE(index->AddToPartition(PartitionId{kDays}, lasting));

  std::atomic<bool> done = false, writer_failed = false;
  std::thread writer([&] {
    bool good = true;
    for (int32_t day = 0; day < kDays; ++day) {
      const auto ids = Define(*index, kLasting + 1 + static_cast<uint64_t>(day) * kADay, kADay);
      good &= !ids.empty() && index->AddToPartition(PartitionId{day}, ids).has_value() &&
              index->AddToPartition(PartitionId{kDays}, ids).has_value();
      if (day % 4 == 3) {
        good &= index->DropPartitionsBefore(PartitionId{day}, [](SeriesId) { return false; })
                    .has_value();
      }
      if (day % 5 == 0) good &= index->Flush().has_value();
    }
    writer_failed = !good;
    done = true;
  });

  std::atomic<int> wrong = 0;
  const auto read = [&] {
    const Matchers by_name = {Matcher::Equal("kind", "lasting")};
    const Matchers by_regex = {*Matcher::Make(MatchType::kRegex, "kind", "last.*g"),
                               *Matcher::Make(MatchType::kNotRegex, "n", "x.*")};
    do {
      for (const Matchers& matchers : {by_name, by_regex}) {
        const auto ids = index->Match(PartitionId{0}, PartitionId{kDays}, matchers, {});
        if (!ids || *ids != lasting) ++wrong;
      }
      const auto names = index->LabelNames(PartitionId{kDays}, PartitionId{kDays}, by_name, {});
      if (!names || names->size() != 3) ++wrong;
      const auto kinds = index->LabelValues("kind", PartitionId{0}, PartitionId{kDays}, {}, {});
      if (!kinds || kinds->empty()) ++wrong;
      const auto found = index->Find(LabelsFor(7));
      if (!found || *found != SeriesId{7}) ++wrong;
    } while (!done);
  };
  std::thread other(read);
  read();
  other.join();
  writer.join();
  CHECK_FALSE(writer_failed);
  CHECK(wrong == 0);
  CHECK(index->Match(PartitionId{kDays}, PartitionId{kDays}, {}, {})->size() ==
        kLasting + kADay * kDays);
}

TEST_CASE("Questions to the index stop when they are told to") {
  const test::TempDir dir;
  const auto index = std::move(*SeriesIndex::Open(dir.path() + "/i"));
  REQUIRE(index->AddToPartition(PartitionId{0}, Define(*index, 1, 5000)));
  std::stop_source stop;
  stop.request_stop();
  const Matchers matchers = {*Matcher::Make(MatchType::kRegex, "n", ".*5")};
  const PartitionId day{0};
  CHECK(index->Match(day, day, matchers, stop.get_token()).error().code == ErrorCode::kCancelled);
  CHECK(index->LabelNames(day, day, {}, stop.get_token()).error().code == ErrorCode::kCancelled);
  CHECK(index->LabelValues("n", day, day, {}, stop.get_token()).error().code ==
        ErrorCode::kCancelled);
}

}  // namespace barograph::tsdb
