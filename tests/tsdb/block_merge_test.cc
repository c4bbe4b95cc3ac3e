#include <catch2/catch.hpp>

#include <algorithm>

#include "tests/tsdb/block_samples.h"
#include "tsdb/block/block_merge.h"
#include "tsdb/block/block_reader.h"
#include "tsdb/block/block_verify.h"

// Merging against std::map: what later inputs have replaces what earlier ones had, what is deleted
// is gone.

namespace barograph::tsdb {
namespace {

using test::AnySample;
using test::Everything;
using test::FromTo;
using test::kBlocks;
using test::Points;

class Fixture {
 public:
  Fixture() { REQUIRE(files.CreateDirectories(kBlocks)); }

  Result<std::shared_ptr<const Block>> Merge(
      const std::vector<std::shared_ptr<const Block>>& inputs, uint64_t number,
      const BlockMergeCalls& calls = {}) {
    const BlockOrigin origin =
        MergedOrigin(inputs, test::Origin(number).ulid, test::Origin(number).window);
    const auto writer = TRY(BlockWriter::Create(files, kBlocks, origin, test::TinyOptions()));
    TRY(MergeBlocks(inputs, *writer, calls));
    TRY(writer->Finish());
    return Block::Open(files, test::PathOf(origin));
  }

  test::MemoryFileSystem files;
};

void ApplyDeletions(const BlockTombstones& deletions, Everything& everything) {
  for (auto& [id, points] : everything) {
    for (const TimeRange& range : deletions.RangesOf(id)) {
      points.erase(points.lower_bound(ToMs(range.min)), points.upper_bound(ToMs(range.max)));
    }
  }
  std::erase_if(everything, [](const auto& series) { return series.second.empty(); });
}

BlockTombstones RandomDeletions(std::mt19937_64& random, const Everything& everything) {
  BlockTombstones deletions;
  for (const auto& [id, points] : everything) {
    if (random() % 3 != 0) continue;
    const int64_t min = static_cast<int64_t>(random() % 600'000) - 200'000;
    deletions.Add(id, FromTo(min, min + static_cast<int64_t>(random() % 400'000)));
    if (random() % 5 == 0) deletions.Add(id, test::AllTime());
  }
  return deletions;
}

TEST_CASE_METHOD(Fixture, "A merge of random blocks is what a map makes of them") {
  const uint64_t seed = GENERATE(1u, 2u, 3u, 4u, 5u, 6u);
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  std::vector<std::shared_ptr<const Block>> inputs;
  Everything expected;
  for (uint64_t number = 1; number <= 1 + seed % 4; ++number) {
    Everything everything = test::RandomSeries(random, 60, seed % 2 == 0);
    auto block = WriteBlock(files, everything, test::Origin(number));
    const BlockTombstones deletions = RandomDeletions(random, everything);
    block = *block->AddTombstones(files, deletions);
    inputs.push_back(block);
    ApplyDeletions(deletions, everything);
    CHECK(test::ReadBlock(block) == everything);
    for (const auto& [id, points] : everything) {
      for (const auto& [ms, sample] : points) expected[id].insert_or_assign(ms, sample);
    }
  }
  const auto merged = Merge(inputs, 100);
  REQUIRE(merged);
  CHECK(test::ReadBlock(*merged) == expected);
  CHECK(VerifyBlock(*merged, {})->good());
}

TEST_CASE_METHOD(Fixture, "A merge keeps series in the order of metric name and labels") {
  // Ids in an order that is not that of their labels.
  const Points early = {{0, AnySample(1)}, {10, AnySample(2)}}, late = {{20, AnySample(3)}};
  const std::map<SeriesId, Labels> labels = {{SeriesId{1}, Labels{{kMetricName, "c"}}},
                                             {SeriesId{2}, Labels{{kMetricName, "a"}, {"z", "2"}}},
                                             {SeriesId{3}, Labels{{kMetricName, "b"}}},
                                             {SeriesId{4}, Labels{{kMetricName, "a"}, {"z", "1"}}}};
  const auto write = [&](uint64_t number, const std::vector<SeriesId>& order,
                         const Points& points) {
    const auto writer = BlockWriter::Create(files, kBlocks, test::Origin(number));
    REQUIRE(writer);
    for (const SeriesId id : order) {
      REQUIRE((*writer)->Add(id, labels.at(id), test::Columns(points).samples()));
    }
    REQUIRE((*writer)->Finish());
    return *Block::Open(files, test::PathOf(test::Origin(number)));
  };
  const auto first = write(1, {SeriesId{4}, SeriesId{2}, SeriesId{1}}, early);
  const auto second = write(2, {SeriesId{4}, SeriesId{3}, SeriesId{1}}, late);
  const auto merged = Merge({first, second}, 3);
  REQUIRE(merged);
  CHECK(*(*merged)->IdsByPosition() ==
        std::vector{SeriesId{4}, SeriesId{2}, SeriesId{3}, SeriesId{1}});

  const BlockOrigin& origin = (*merged)->meta().origin;
  CHECK(origin.level == 2);
  CHECK(origin.sources == std::vector{test::Origin(1).ulid, test::Origin(2).ulid});
  CHECK(origin.parents == origin.sources);
  CHECK((*merged)->meta().range == FromTo(0, 20));
}

TEST_CASE_METHOD(Fixture, "Inputs in no order lose nothing and double nothing") {
  Everything everything;
  for (uint64_t id = 1; id <= 40; ++id) everything[SeriesId{id}] = {{0, AnySample(1.0 * id)}};
  const auto ascending = WriteBlock(files, everything, test::Origin(1));
  const auto writer = BlockWriter::Create(files, kBlocks, test::Origin(2));
  REQUIRE(writer);
  Everything expected = everything;
  for (auto series = everything.rbegin(); series != everything.rend(); ++series) {
    const Points later = {{5, AnySample(7)}};
    REQUIRE((*writer)->Add(series->first, test::LabelsOf(series->first),
                           test::Columns(later).samples()));
    expected[series->first].emplace(5, AnySample(7));
  }
  REQUIRE((*writer)->Finish());
  const auto descending = Block::Open(files, test::PathOf(test::Origin(2)));
  const auto merged = Merge({ascending, *descending}, 3);
  REQUIRE(merged);
  CHECK(test::ReadBlock(*merged) == expected);
}

TEST_CASE_METHOD(Fixture, "Columns of timestamps stay shared through a merge") {
  std::vector<std::shared_ptr<const Block>> inputs;
  for (int64_t part = 0; part < 3; ++part) {
    Everything everything;
    for (uint64_t id = 1; id <= 20; ++id) {
      for (int64_t i = 0; i < 50; ++i) {
        everything[SeriesId{id}].emplace((part * 50 + i) * 15'007 + i % 3, AnySample(1.0 * id));
      }
    }
    inputs.push_back(WriteBlock(files, everything, test::Origin(static_cast<uint64_t>(part) + 1)));
  }
  const auto merged = Merge(inputs, 9);
  REQUIRE(merged);
  CHECK(DescribeBlock(**merged).columns == 1);
  CHECK((*merged)->meta().stats.samples == 3000);
}

TEST_CASE_METHOD(Fixture, "A merge stops when told to, reports what it did, and passes errors on") {
  std::mt19937_64 random(3);
  const Everything everything = test::RandomSeries(random, 50, false);
  const auto block = WriteBlock(files, everything, test::Origin(1));
  uint64_t reported = 0;
  BlockMergeCalls calls;
  calls.progress = [&reported](uint64_t samples) { reported += samples; };
  REQUIRE(Merge({block}, 2, calls));
  CHECK(reported == block->meta().stats.samples);

  std::stop_source stop;
  calls.stop = stop.get_token();
  stop.request_stop();
  CHECK(Merge({block}, 3, calls).error().code == ErrorCode::kCancelled);

  CHECK(files.List(kBlocks)->size() == 2);
}

TEST_CASE_METHOD(Fixture, "When all is deleted nothing is left of a block") {
  std::mt19937_64 random(4);
  const Everything everything = test::RandomSeries(random, 10, false);
  auto block = WriteBlock(files, everything, test::Origin(1));
  BlockTombstones all;
  for (const auto& [id, points] : everything) all.Add(id, test::AllTime());
  block = *block->AddTombstones(files, all);
  CHECK(Merge({block}, 2).error().code == ErrorCode::kNotFound);
  CHECK(files.List(kBlocks)->size() == 1);
}

}  // namespace
}  // namespace barograph::tsdb
