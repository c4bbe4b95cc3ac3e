#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "tests/tsdb/block_samples.h"
#include "tsdb/block/block_reader.h"

// The very bytes of the format: what is on disk today must be readable tomorrow. A change here is
// a change of docs/formats/block.md, which explains them.

namespace barograph::tsdb {
namespace {

using test::Everything;
using test::FromTo;

std::string Hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    text += fmt::format("{}{:02x}", text.empty() ? "" : " ", static_cast<uint8_t>(byte));
  }
  return text;
}

constexpr std::string_view kData =
    "42 41 52 4f 42 4c 4b 32 05 21 1e 04 00 01 10 99 75 80 a0 ab fe f9 62 00 "
    "03 00 02 03 03 08 99 75 e0 f4 ae fe f9 62 00 00 04 01 00 00 02 01 10 05 "
    "21 02 06 00 02 00 00 10 a1 01 9a 03 02 00 02 05 21 00 06 00 02 04 01 0c "
    "00 02 03 6a 6f 62 01 61 04 7a 6f 6e 65 01 31 02 01 00 05 21 04 0a 00 02 "
    "75 70 7a 6f 6e 65 5f 63 65 6c 73 69 75 73 01 10 04 01 00 00 02 e0 03 04 "
    "00 02 20 34 df 2c 7a 6b 11 5c 3f 01 02 17 00 9f 5a 87 fb 6f 35 17 02 02 "
    "18 5a 58 ea 97 8a 95 be ee 03 02 1e fd 47 41 75 2e e1 e2 f6 02 01 00 00 "
    "00 00 00 00 00 00 00 00 00 00 0c 01 00 02 75 00 00 00 00 00 00 00 18 3e "
    "7a f1 11 e6 6e 86 5f 3f b3 ae 55 5b 92 b0 e3 1d 51 3c 02 61 74 38";

constexpr std::string_view kMeta = R"({
  "version": 2,
  "ulid": "01HF7YAT000000000000000001",
  "minTime": 1700000000000,
  "maxTime": 1700000045001,
  "window": {"minTime": 1699999200000, "maxTime": 1700006399999},
  "stats": {
    "numSeries": 2,
    "numSamples": 6,
    "numFloatSamples": 6,
    "numHistogramSamples": 0,
    "numBytes": 214
  },
  "compaction": {"level": 1, "sources": ["01HF7YAT000000000000000001"], "parents": []}
}
)";

/// `up`, and a temperature that comes with the third scrape.
Everything Example() {
  constexpr int64_t kFirst = 1'700'000'000'000;
  Everything everything;
  everything[SeriesId{1}] = {
      {kFirst, 1.0}, {kFirst + 15'002, 1.0}, {kFirst + 30'000, 1.0}, {kFirst + 45'001, 1.0}};
  everything[SeriesId{7}] = {{kFirst + 30'000, 20.5}, {kFirst + 45'001, 20.7}};
  return everything;
}

std::shared_ptr<const Block> WriteExample(FileSystem& files, const BlockOrigin& origin) {
  const std::map<SeriesId, Labels> labels = {
      {SeriesId{1}, Labels{{kMetricName, "up"}, {"job", "a"}}},
      {SeriesId{7}, Labels{{kMetricName, "zone_celsius"}, {"job", "a"}, {"zone", "1"}}}};
  const auto writer = BlockWriter::Create(files, test::kBlocks, origin);
  REQUIRE(writer);
  for (const auto& [id, points] : Example()) {
    REQUIRE((*writer)->Add(id, labels.at(id), test::Columns(points).samples()));
  }
  REQUIRE((*writer)->Finish());
  return *Block::Open(files, test::PathOf(origin));
}

TEST_CASE("A block has its documented bytes") {
  test::MemoryFileSystem files;
  REQUIRE(files.CreateDirectories(test::kBlocks));
  const TimeRange window = FromTo(1'699'999'200'000, 1'700'006'399'999);
  const auto block = WriteExample(files, test::Origin(1, window));
  CHECK(Hex(*files.ReadFile(block->path() + "/data")) == kData);
  CHECK(*files.ReadFile(block->path() + "/meta.json") == kMeta);

  BlockTombstones deletions;
  deletions.Add(SeriesId{7}, FromTo(1'700'000'000'000, 1'700'000'030'000));
  REQUIRE(block->AddTombstones(files, deletions));
  CHECK(Hex(*files.ReadFile(block->path() + "/tombstones")) ==
        "42 41 52 4f 54 4d 42 31 01 07 01 80 a0 ab fe f9 62 b0 ea 01 c5 6a 90 35 "
        "02 e5 7c 01");
}

}  // namespace
}  // namespace barograph::tsdb
