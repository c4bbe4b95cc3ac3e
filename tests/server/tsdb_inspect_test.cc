#include <catch2/catch.hpp>

#include "server/cli/tsdb/analysis.h"
#include "server/cli/tsdb/block_list.h"
#include "server/cli/tsdb/offline.h"
#include "tests/promql/memory_storage.h"
#include "tests/support/memory_file_system.h"

namespace barograph::server::cli {
namespace {

TEST_CASE("Blocks are listed for programs and for people") {
  tsdb::BlockMeta block;
  block.origin.ulid = *tsdb::Ulid::Parse("01HF7YAT31JZQ0G9Q7YF2V3W4X");
  block.origin.level = 2;
  block.range = {FromMs(1'700'000'000'123), FromMs(1'700'007'200'123)};
  block.stats.series = 12;
  block.stats.samples = 345'678;
  block.stats.bytes = 3 << 20;
  CHECK(FormatBlockList({&block, 1}, false) ==
        "BLOCK ULID                  MIN TIME                  MAX TIME                  DURATION  "
        "        LEVEL      SERIES       SAMPLES  SIZE\n"
        "01HF7YAT31JZQ0G9Q7YF2V3W4X  1700000000123             1700007200123             2h0m0s    "
        "            2          12        345678  3145728\n");
  CHECK(FormatBlockList({&block, 1}, true) ==
        "BLOCK ULID                  MIN TIME                  MAX TIME                  DURATION  "
        "        LEVEL      SERIES       SAMPLES  SIZE\n"
        "01HF7YAT31JZQ0G9Q7YF2V3W4X  2023-11-14 22:13:20 UTC   2023-11-15 00:13:20 UTC   2h0m0s    "
        "            2          12        345678  3MiB\n");
}

TEST_CASE("A folder that a server has is refused, and one that none has is left as it is") {
  test::MemoryFileSystem files;
  CHECK(KeepServersOut(files, "data").error().code == ErrorCode::kNotFound);
  REQUIRE(files.CreateDirectories("data"));
  CHECK(KeepServersOut(files, "data").has_value());
  CHECK(files.List("data")->empty());
  REQUIRE(files.WriteFile("data/lock", ""));
  const auto server = files.Lock("data/lock");
  REQUIRE(server.has_value());
  CHECK(KeepServersOut(files, "data").error().message ==
        "data is in use: stop the server that runs on it first");
}

TEST_CASE("The analysis counts labels over all series") {
  promql::testing::MemoryStorage storage;
  storage.Append({{"__name__", "a"}, {"job", "x"}, {"id", "1"}}, 0, 1);
  storage.Append({{"__name__", "a"}, {"job", "x"}, {"id", "2"}}, 0, 1);
  storage.Append({{"__name__", "b"}, {"job", "longer"}}, 0, 1);
  const auto text = Analyze(storage, {}, 2);
  REQUIRE(text.has_value());
  CHECK(*text ==
        "Total Series: 3\nLabel names: 3\nUnique label pairs: 6\nTotal label pairs: 8\n"
        "\nMost common label pairs:\n2 __name__=a\n2 job=x\n"
        "\nLabel names with highest cumulative label value length:\n7 job\n2 __name__\n"
        "\nHighest cardinality labels:\n2 __name__\n2 id\n"
        "\nHighest cardinality metric names:\n2 a\n1 b\n"
        "\nChurn by block (series, new since the block before, gone since):\n");
}

}  // namespace
}  // namespace barograph::server::cli
