#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "tests/tsdb/block_samples.h"
#include "tsdb/block/block_data.h"
#include "tsdb/block/block_files.h"
#include "tsdb/block/block_reader.h"
#include "tsdb/block/block_verify.h"

// A block gives back what was written, whichever part of it is asked for.

namespace barograph::tsdb {
namespace {

using test::AnySample;
using test::Columns;
using test::Everything;
using test::FromTo;
using test::kBlocks;
using test::LabelsOf;
using test::Points;

Points Steps(int64_t first, int64_t step, size_t count, double value = 1) {
  Points points;
  for (size_t i = 0; i < count; ++i) {
    points.emplace(first + static_cast<int64_t>(i) * step, AnySample(value++));
  }
  return points;
}

class Fixture {
 public:
  Fixture() { REQUIRE(files.CreateDirectories(kBlocks)); }
  test::MemoryFileSystem files;
};

TEST_CASE_METHOD(Fixture, "Random series come back bit for bit, whole and in ranges") {
  const uint64_t seed = GENERATE(1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u);
  const bool histograms = seed % 2 == 0;
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  const Everything everything = test::RandomSeries(random, 40 + seed * 40, histograms);
  BlockWriterOptions options = seed == 8 ? BlockWriterOptions() : test::TinyOptions();
  options.compression_level = seed % 3 == 0 ? 0 : 3;
  const auto block = WriteBlock(files, everything, test::Origin(seed), options);

  CHECK(test::ReadBlock(block) == everything);
  for (int i = 0; i < 20; ++i) {
    const int64_t min = static_cast<int64_t>(random() % 900'000) - 250'000;
    const TimeRange range = FromTo(min, min + static_cast<int64_t>(random() % 200'000));
    Everything expected;
    for (const auto& [id, points] : everything) {
      const Points within = test::Within(points, range);
      if (!within.empty()) expected.emplace(id, within);
    }
    CHECK(test::ReadBlock(block, range) == expected);
  }
  const auto report = VerifyBlock(block, {});
  REQUIRE(report);
  CHECK(report->good());
  CHECK(report->series == everything.size());
  CHECK(report->samples == block->meta().stats.samples);
}

TEST_CASE_METHOD(Fixture, "A block knows its series, their order and its own numbers") {
  const Everything everything = {{SeriesId{3}, Steps(-5000, 1000, 20)},
                                 {SeriesId{900}, {{7000, AnySample(kStaleNan)}}},
                                 {SeriesId{1u << 30}, Steps(0, 15'000, 3)}};
  const BlockOrigin origin = test::Origin(1, FromTo(-10'000, 100'000));
  const auto block = WriteBlock(files, everything, origin);
  CHECK(*block->Ids() == std::vector{SeriesId{3}, SeriesId{900}, SeriesId{1u << 30}});
  CHECK(block->Contains(SeriesId{900}));
  for (const uint64_t id : {0u, 2u, 4u, 899u, 901u, ~0u})
    CHECK_FALSE(block->Contains(SeriesId{id}));

  const BlockMeta& meta = block->meta();
  CHECK(meta.origin.sources == std::vector{origin.ulid});
  CHECK(meta.range == FromTo(-5000, 30'000));
  CHECK(meta.stats.series == 3);
  CHECK(meta.stats.samples == 24);
  CHECK(meta.stats.float_samples == 24);
  CHECK(meta.stats.bytes == *files.Size(block->path() + "/data"));
  CHECK(*ParseBlockMeta(ToJson(meta)) == meta);

  BlockReader reader(block);
  CHECK(reader.Read(SeriesId{4}, test::AllTime())->size() == 0);
  CHECK(reader.Read(SeriesId{3}, FromTo(100'000, 200'000))->size() == 0);
}

TEST_CASE_METHOD(Fixture, "Positions follow the order in which series were added") {
  const auto writer = BlockWriter::Create(files, kBlocks, test::Origin(1));
  REQUIRE(writer);
  const std::vector<SeriesId> added = {SeriesId{500}, SeriesId{2}, SeriesId{77}};
  for (const SeriesId id : added) {
    REQUIRE((*writer)->Add(id, LabelsOf(id), Columns(Steps(0, 1000, 3)).samples()));
  }
  REQUIRE((*writer)->Finish());
  const auto block = Block::Open(files, test::PathOf(test::Origin(1)));
  REQUIRE(block);
  CHECK(*(*block)->IdsByPosition() == added);
  for (size_t i = 0; i < added.size(); ++i) CHECK((*block)->PositionOf(added[i]) == i);
}

TEST_CASE_METHOD(Fixture, "The next id is found from any") {
  Everything everything;
  for (uint64_t id = 10; id <= 4000; id += 10) everything[SeriesId{id}] = Steps(0, 1000, 1);
  const auto block = WriteBlock(files, everything, test::Origin(1));
  for (uint64_t id = 0; id < 4000; id += 3) {
    REQUIRE(block->FirstIdAbove(SeriesId{id}) == SeriesId{id / 10 * 10 + 10});
  }
  CHECK_FALSE(block->FirstIdAbove(SeriesId{4000}));
  CHECK_FALSE(block->FirstIdAbove(SeriesId{~uint64_t{0}}));
}

TEST_CASE_METHOD(Fixture, "Series of one target share one column of timestamps") {
  // Times that follow no grid, so that a column of its own would take more than a reference.
  const auto time_of = [](int64_t row) { return row * 15'000 + row * row * 7919 % 1000; };
  Points whole;
  for (int64_t row = 0; row < 100; ++row) whole.emplace(time_of(row), AnySample(1.0));
  const Points late = test::Within(whole, FromTo(600'000, 9'000'000));
  Points gaps = whole;
  for (const int64_t row : {30, 31, 57}) gaps.erase(time_of(row));
  // The first is new, the second the same by number, the third by content.
  const auto writer = BlockWriter::Create(files, kBlocks, test::Origin(1));
  REQUIRE(writer);
  REQUIRE((*writer)->Add(SeriesId{1}, LabelsOf(SeriesId{1}), Columns(whole, 9).samples()));
  REQUIRE((*writer)->Add(SeriesId{2}, LabelsOf(SeriesId{2}), Columns(whole, 9).samples()));
  REQUIRE((*writer)->Add(SeriesId{3}, LabelsOf(SeriesId{3}), Columns(whole).samples()));
  REQUIRE((*writer)->Add(SeriesId{4}, LabelsOf(SeriesId{4}), Columns(late).samples()));
  REQUIRE((*writer)->Add(SeriesId{5}, LabelsOf(SeriesId{5}), Columns(gaps).samples()));
  REQUIRE((*writer)->Add(SeriesId{6}, LabelsOf(SeriesId{6}), Columns(gaps).samples()));
  REQUIRE((*writer)->Finish());
  const auto block = Block::Open(files, test::PathOf(test::Origin(1)));
  REQUIRE(block);
  CHECK(DescribeBlock(**block).columns == 3);

  BlockReader reader(*block);
  const auto column = [&](uint64_t id, TimeRange range) {
    return reader.Read(SeriesId{id}, range)->timestamp_column;
  };
  const uint64_t shared = column(1, test::AllTime());
  CHECK(shared != 0);
  CHECK(column(2, test::AllTime()) == shared);
  CHECK(column(3, test::AllTime()) == shared);
  CHECK(column(4, test::AllTime()) != shared);
  CHECK(column(5, test::AllTime()) != shared);
  CHECK(column(5, test::AllTime()) == column(6, test::AllTime()));

  // Where a part has all rows, it is the same.
  const TimeRange end = FromTo(1'000'000, 9'000'000);
  for (const uint64_t id : {2u, 4u, 5u}) CHECK(column(id, end) == column(1, end));
  CHECK(test::ToPoints(*reader.Read(SeriesId{5}, test::AllTime())) == gaps);
}

TEST_CASE_METHOD(Fixture, "The same number of a timestamp column means the same timestamps") {
  std::mt19937_64 random(11);
  const auto block = WriteBlock(files, test::RandomSeries(random, 300, false), test::Origin(1));
  for (const TimeRange range : {test::AllTime(), FromTo(0, 200'000), FromTo(-100'000, 0)}) {
    BlockReader reader(block);
    std::map<uint64_t, std::vector<Timestamp>> columns;
    const auto ids = block->Ids();
    for (const SeriesId id : *ids) {
      const auto samples = reader.Read(id, range);
      REQUIRE(samples);
      if (samples->size() == 0) continue;
      const std::vector<Timestamp> times(samples->timestamps.begin(), samples->timestamps.end());
      CHECK(columns.try_emplace(samples->timestamp_column, times).first->second == times);
    }
    CHECK(columns.size() < ids->size());
  }
}

TEST_CASE_METHOD(Fixture, "A short range decodes the runs that overlap and no others") {
  BlockWriterOptions options;
  options.run_rows = 10;
  options.compression_level = 0;
  const auto block =
      WriteBlock(files, {{SeriesId{1}, Steps(0, 1000, 1000)}}, test::Origin(1), options);
  BlockReader reader(block);
  const auto samples = reader.Read(SeriesId{1}, FromTo(505'000, 512'000));
  REQUIRE(samples);
  CHECK(test::ToPoints(*samples) == Steps(505'000, 1000, 8, 506));
}

TEST_CASE_METHOD(Fixture, "Series are read in any order, one's values behind another's") {
  std::mt19937_64 random(31);
  const Everything everything = test::RandomSeries(random, 400, true);
  auto block = WriteBlock(files, everything, test::Origin(1), test::TinyOptions());
  std::vector<SeriesId> ids = *block->Ids();
  const TimeRange gone = FromTo(-20'000, 30'000);
  BlockTombstones deletions;
  deletions.Add(ids[1], gone);
  deletions.Add(ids[2], test::AllTime());
  block = *block->AddTombstones(files, deletions);
  ids.push_back(SeriesId{~uint64_t{0} >> 20});  // which the block does not have
  ids.push_back(SeriesId{0});
  BlockReader reader(block);
  for (int round = 0; round < 20; ++round) {
    std::ranges::shuffle(ids, random);
    const int64_t min = static_cast<int64_t>(random() % 900'000) - 250'000;
    const TimeRange range = FromTo(min, min + static_cast<int64_t>(random() % 400'000));
    ValueBuffer values;
    for (const SeriesId id : ids) {
      const size_t before = values.size();
      const auto samples = reader.Read(id, range, values);
      REQUIRE(samples);
      REQUIRE(values.size() == before + samples->size());
      if (samples->size() > 0) REQUIRE(samples->values.data() == values.all().data() + before);
      Points expected;
      if (const auto found = everything.find(id); found != everything.end()) {
        expected = test::Within(found->second, range);
      }
      const std::span<const TimeRange> deleted = block->tombstones().RangesOf(id);
      std::erase_if(expected, [&](const auto& point) {
        return std::ranges::any_of(deleted,
                                   [&](TimeRange of) { return of.Contains(FromMs(point.first)); });
      });
      REQUIRE(test::ToPoints(*samples) == expected);
    }
  }
}

TEST_CASE("A buffer of values keeps what it has when it grows") {
  ValueBuffer values;
  std::vector<double> expected;
  for (size_t size = 0; size < 2000; size += 37) {
    for (double& value : values.Append(size)) expected.push_back(value = double(expected.size()));
    REQUIRE(std::ranges::equal(values.all(), expected));
  }
  values.Truncate(10);
  values.Truncate(20);
  CHECK(std::ranges::equal(values.all(), std::span(expected).first(10)));
}

TEST_CASE_METHOD(Fixture, "Threads with a reader each read one block at once") {
  std::mt19937_64 random(21);
  const Everything everything = test::RandomSeries(random, 100, false);
  const auto block = WriteBlock(files, everything, test::Origin(1));
  std::atomic<size_t> right = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        BlockReader reader(block);
        for (const auto& [id, points] : everything) {
          const auto samples = reader.Read(id, test::AllTime());
          if (samples.has_value() && test::ToPoints(*samples) == points) ++right;
        }
      });
    }
  }
  CHECK(right == 4 * everything.size());
}

TEST_CASE_METHOD(Fixture, "What cannot be right is refused") {
  const auto writer = BlockWriter::Create(files, kBlocks, test::Origin(1, FromTo(0, 100)));
  REQUIRE(writer);
  const std::vector<double> values = {1, 2};
  const std::vector<Timestamp> descending = {FromMs(5), FromMs(5)};
  SeriesSamples samples;
  samples.timestamps = descending;
  samples.values = values;
  CHECK((*writer)->Add(SeriesId{1}, LabelsOf(SeriesId{1}), samples).error().code ==
        ErrorCode::kInvalidArgument);
  CHECK((*writer)
            ->Add(SeriesId{1}, LabelsOf(SeriesId{1}), Columns(Steps(90, 10, 3)).samples())
            .error()
            .code == ErrorCode::kInvalidArgument);
  REQUIRE((*writer)->Add(SeriesId{1}, LabelsOf(SeriesId{1}), Columns(Steps(0, 10, 3)).samples()));
  REQUIRE((*writer)->Add(SeriesId{1}, LabelsOf(SeriesId{1}), Columns(Steps(50, 10, 3)).samples()));
  CHECK((*writer)->Finish().error().code == ErrorCode::kInvalidArgument);
}

TEST_CASE_METHOD(Fixture, "A block without samples is not kept, nor one that was not finished") {
  {
    const auto writer = BlockWriter::Create(files, kBlocks, test::Origin(1));
    REQUIRE((*writer)->Add(SeriesId{1}, LabelsOf(SeriesId{1}), {}));
    const auto meta = (*writer)->Finish();
    REQUIRE(meta);
    CHECK(meta->stats.samples == 0);
  }
  {
    const auto writer = BlockWriter::Create(files, kBlocks, test::Origin(2));
    REQUIRE((*writer)->Add(SeriesId{1}, LabelsOf(SeriesId{1}), Columns(Steps(0, 10, 3)).samples()));
  }
  CHECK(files.List(kBlocks)->empty());
}

TEST_CASE_METHOD(Fixture, "Blocks are listed and removed; unfinished ones are none") {
  const auto first = WriteBlock(files, {{SeriesId{1}, Steps(0, 10, 3)}}, test::Origin(1));
  const auto second = WriteBlock(files, {{SeriesId{1}, Steps(0, 10, 3)}}, test::Origin(2));
  REQUIRE(files.CreateDirectories(UnfinishedBlockPath(kBlocks, test::Origin(3).ulid)));
  REQUIRE(files.CreateDirectories(kBlocks + "/keep.tmp"));
  CHECK(*ListBlocks(files, kBlocks) == std::vector{first->meta().ulid(), second->meta().ulid()});
  REQUIRE(RemoveUnfinishedBlocks(files, kBlocks));
  REQUIRE(RemoveBlock(files, kBlocks, first->meta().ulid()));
  CHECK(*ListBlocks(files, kBlocks) == std::vector{second->meta().ulid()});
  CHECK(files.List(kBlocks)->size() == 2);
  CHECK(test::ReadBlock(first).size() == 1);  // who has it open reads on
}

TEST_CASE_METHOD(Fixture, "Deleted stretches are left out, durably") {
  const Points points = Steps(0, 1000, 100);
  const auto block =
      WriteBlock(files, {{SeriesId{1}, points}, {SeriesId{2}, points}}, test::Origin(1));
  BlockTombstones deletions;
  deletions.Add(SeriesId{1}, FromTo(10'000, 20'000));
  deletions.Add(SeriesId{1}, FromTo(15'000, 29'999));
  deletions.Add(SeriesId{1}, FromTo(90'000, 1'000'000));
  const auto less = block->AddTombstones(files, deletions);
  REQUIRE(less);
  Points expected = points;
  std::erase_if(expected, [](const auto& point) {
    return (point.first >= 10'000 && point.first < 30'000) || point.first >= 90'000;
  });
  const auto reopened = Block::Open(files, block->path());
  REQUIRE(reopened);
  for (const auto& with : {*less, *reopened}) {
    CHECK(test::ReadBlock(with) == Everything{{SeriesId{1}, expected}, {SeriesId{2}, points}});
    CHECK(with->disk_bytes() > block->disk_bytes());
  }
  CHECK(test::ReadBlock(block).at(SeriesId{1}) == points);  // as it was opened

  // What is not touched by a deletion keeps its column.
  BlockReader reader(*less);
  CHECK(reader.Read(SeriesId{1}, FromTo(0, 9000))->timestamp_column ==
        reader.Read(SeriesId{2}, FromTo(0, 9000))->timestamp_column);
  CHECK(reader.Read(SeriesId{1}, FromTo(0, 12'000))->timestamp_column == 0);

  BlockTombstones rest;
  rest.Add(SeriesId{1}, test::AllTime());
  const auto none = (*less)->AddTombstones(files, rest);
  REQUIRE(none);
  CHECK(test::ReadBlock(*none).count(SeriesId{1}) == 0);
}

TEST_CASE_METHOD(Fixture, "Histograms are known to go on from those before them in their run") {
  Points points;
  for (int i = 0; i < 6; ++i) {
    const double count = i < 3 ? i + 5 : i;  // 5 6 7 3 4 5
    FloatHistogram histogram;
    histogram.count = histogram.zero_count = count;
    points.emplace(i, AnySample(histogram));
  }
  const auto block = WriteBlock(files, {{SeriesId{1}, points}}, test::Origin(1), {.run_rows = 100});
  const auto hints = [](const std::shared_ptr<const Block>& from, TimeRange range) {
    BlockReader reader(from);
    const auto samples = reader.Read(SeriesId{1}, range);
    REQUIRE(samples);
    std::string text;
    for (const FloatHistogram* histogram : samples->histograms) {
      text += "ur-g"[static_cast<int>(histogram->counter_reset_hint)];
    }
    return text;
  };
  CHECK(hints(block, test::AllTime()) == "u--u--");
  CHECK(hints(block, FromTo(1, 4)) == "--u-");
  BlockTombstones deletions;
  deletions.Add(SeriesId{1}, FromTo(3, 3));
  const auto less = block->AddTombstones(files, deletions);
  REQUIRE(less);
  CHECK(hints(*less, test::AllTime()) == "u--u-");  // 5 6 7, 4 5
}

TEST_CASE("Tombstones keep ranges apart, and survive their bytes") {
  BlockTombstones tombstones;
  tombstones.Add(SeriesId{7}, FromTo(100, 200));
  tombstones.Add(SeriesId{7}, FromTo(-50, 20));
  tombstones.Add(SeriesId{7}, FromTo(150, 300));
  tombstones.Add(SeriesId{7}, FromTo(400, 300));  // nothing
  tombstones.Add(SeriesId{1}, test::AllTime());
  const auto ranges = tombstones.RangesOf(SeriesId{7});
  CHECK(std::vector(ranges.begin(), ranges.end()) ==
        std::vector{FromTo(-50, 20), FromTo(100, 300)});
  CHECK(tombstones.RangesOf(SeriesId{2}).empty());
  const std::string bytes = tombstones.Encode();
  CHECK(*BlockTombstones::Decode(bytes) == tombstones);
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string flipped = bytes;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x20);
    CHECK_FALSE(BlockTombstones::Decode(flipped));
    CHECK_FALSE(BlockTombstones::Decode(bytes.substr(0, i)));
  }
}

}  // namespace
}  // namespace barograph::tsdb
