#include "tsdb/head_block.h"

#include "tests/support/memory_file_system.h"
#include "tests/tsdb/storage_harness.h"
#include "tsdb/block/block_files.h"
#include "tsdb/block/block_reader.h"
#include "tsdb/block/label_reader.h"
#include "tsdb/replay.h"

namespace barograph::test {
namespace {

constexpr char kSegment[] = "/data/wal/00000000";

/// A log of six targets that are scraped at times of their own, with series of many metrics, one
/// without a name, and one that comes alone; and what is in it.
std::string MakeLog(Contents& contents) {
  MemoryFileSystem memory;
  TestDatabase database(memory);
  std::vector<std::unique_ptr<ScrapeTable>> tables;
  for (int t = 0; t < 6; ++t) {
    tables.push_back(OpenTable(*database));
    for (int c = 0; c < 9; ++c) {
      const std::string name = "m" + std::to_string((c * 5 + t) % 11);
      REQUIRE(tables.back()->AddColumn(Named(name, std::to_string(t) + std::to_string(c))));
    }
    if (t == 3) REQUIRE(tables.back()->AddColumn({{"nameless", "yes"}}));
  }
  const auto appender = database->NewAppender();
  for (int r = 0; r < 130; ++r) {
    for (size_t t = 0; t < tables.size(); ++t) {
      const std::vector<double> values(tables[t]->width(), r % 9 + static_cast<double>(t));
      REQUIRE(tables[t]->AppendRow(
          FullRow(values).at(1000 * r + static_cast<int64_t>(t) * (r % 3 + 1))));
    }
    appender->Append(*appender->Resolve(Named("m4", "alone")), {FromMs(1000 * r + 77), r / 3.0});
    REQUIRE(appender->Commit());
  }
  contents = ReadAll(*database);
  // Those without a name are no selector's that ReadAll uses.
  for (int r = 0; r < 130; ++r) {
    contents["{nameless=\"yes\"}"][1000 * r + 3 * (r % 3 + 1)] =
        std::bit_cast<uint64_t>(r % 9 + 3.0);
  }
  return *memory.ReadFile(kSegment);
}

Contents ReadBlock(const std::shared_ptr<const tsdb::Block>& block) {
  Contents contents;
  tsdb::BlockReader reader(block);
  tsdb::LabelReader labels(block);
  const auto ids = block->IdsByPosition();
  REQUIRE(ids.has_value());
  for (size_t i = 0; i < ids->size(); ++i) {
    const auto samples = reader.Read((*ids)[i], block->meta().range);
    REQUIRE(samples.has_value());
    auto& series = contents[labels.At(i)->ToString()];
    for (size_t s = 0; s < samples->size(); ++s) {
      series[ToMs(samples->timestamps[s])] = std::bit_cast<uint64_t>(samples->values[s]);
    }
  }
  return contents;
}

}  // namespace

TEST_CASE("A block of the head is the same however many series are selected at once") {
  Contents contents;
  MemoryFileSystem files;
  REQUIRE(files.CreateDirectories("/data/wal"));
  REQUIRE(files.WriteFile(kSegment, MakeLog(contents)));
  MetricsRegistry registry;
  tsdb::Metrics metrics(registry);
  tsdb::Head head({}, 0, metrics);
  tsdb::Replay replay(files, "/data/wal", head, metrics, Logger(),
                      [](SeriesId) { return std::nullopt; });
  REQUIRE(replay.Run());
  const TimeRange window{FromMs(0), FromMs(1'000'000)};
  std::string first;
  for (const size_t at_once : {size_t{1000}, size_t{1}, size_t{12}, size_t{23}}) {
    INFO(at_once);
    const std::string folder = "/blocks" + std::to_string(at_once);
    REQUIRE(files.CreateDirectories(folder));
    const auto block =
        tsdb::WriteHeadBlock(files, folder, tsdb::Ulid(), head, {}, window, {}, at_once);
    REQUIRE(block.has_value());
    REQUIRE(*block != nullptr);
    CHECK(Difference(ReadBlock(*block), contents) == "");
    const std::string data =
        *files.ReadFile((*block)->path() + "/" + std::string(tsdb::kBlockDataFile));
    if (first.empty()) first = data;
    CHECK(data == first);
  }
  const auto nothing =
      tsdb::WriteHeadBlock(files, "/blocks1", tsdb::Ulid(), head, {}, {FromMs(-9), FromMs(-1)}, {});
  REQUIRE(nothing.has_value());
  CHECK(*nothing == nullptr);
}

}  // namespace barograph::test
