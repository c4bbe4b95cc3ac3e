#include <cstdint>
#include <cstdlib>
#include <string>

#include "tests/fuzz/fuzz_target.h"
#include "tests/support/memory_file_system.h"
#include "tsdb/prometheus/block.h"
#include "tsdb/prometheus/block_writer.h"

// The first two bytes say how long the index is, behind them come the index, the chunks and, after
// the last 0xff byte, the tombstones: a block, of which everything is read. (Built for fuzzing,
// checksums always match.)

namespace barograph::tsdb::prometheus {
namespace {

constexpr char kMeta[] =
    R"({"version":1,"ulid":"01ARYZ6S41TSV4RRFFQ69G5FAV","minTime":0,"maxTime":1})";

void ReadBlock(std::string_view index, std::string_view chunks, std::string_view tombstones) {
  barograph::test::MemoryFileSystem files;
  (void)files.CreateDirectories("b/chunks");
  (void)files.WriteFile("b/meta.json", kMeta);
  (void)files.WriteFile("b/index", index);
  (void)files.WriteFile("b/chunks/000001", chunks);
  if (!tombstones.empty()) (void)files.WriteFile("b/tombstones", tombstones);
  const auto block = Block::Open(files, "b");
  if (!block.has_value()) return;
  BlockSeries series;
  for (size_t i = 0; i < (*block)->series_count(); ++i) (void)(*block)->Read(i, series);
}

}  // namespace
}  // namespace barograph::tsdb::prometheus

std::vector<std::string> FuzzSeeds() {
  using namespace barograph::tsdb::prometheus;
  barograph::test::MemoryFileSystem files;
  (void)files.CreateDirectories("b");
  auto writer = BlockWriter::Create(files, {.directory = "b",
                                            .ulid = {},
                                            .min_time = barograph::FromMs(0),
                                            .max_time = barograph::FromMs(200'000)});
  if (!writer.has_value()) std::abort();
  SampleColumns samples;
  for (int64_t ms = 0; ms < 200'000; ms += 1000) {
    samples.AddFloat(barograph::FromMs(ms), static_cast<double>(ms % 7));
  }
  for (const char* name : {"temp", "up"}) {
    if (!(*writer)->Add({{"__name__", name}, {"job", "a"}}, samples)) std::abort();
  }
  const auto meta = (*writer)->Finish();
  if (!meta.has_value()) std::abort();
  const std::string folder = "b/" + (*meta)->ulid.ToString();
  const std::string index = *files.ReadFile(folder + "/index");
  std::string seed;
  seed += static_cast<char>(index.size());
  seed += static_cast<char>(index.size() >> 8);
  return {seed + index + *files.ReadFile(folder + "/chunks/000001") + '\xff' +
          *files.ReadFile(folder + "/tombstones")};
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const size_t index_bytes = data[0] | static_cast<size_t>(data[1]) << 8;
  const std::string_view index = bytes.substr(0, index_bytes);
  const std::string_view rest = bytes.substr(index.size());
  const size_t cut = rest.rfind('\xff');
  const bool has_tombstones = cut != std::string_view::npos;
  barograph::tsdb::prometheus::ReadBlock(
      index, rest.substr(0, cut), has_tombstones ? rest.substr(cut + 1) : std::string_view());
  return 0;
}
