#include "base/model/labels.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/small_head.h"
#include "tests/support/manual_clock.h"
#include "tsdb/exemplars/exemplar_store.h"
#include "tsdb/replay.h"

// Records, whose checksums are right, as a segment of the write-ahead log and as one of the log of
// exemplars; and any bytes as such segments. What comes of them must be readable.

namespace barograph::tsdb {
namespace {

constexpr char kSegment[] = "/00000001";

void Put(FileSystem& files, const std::string& folder, std::string_view bytes) {
  fuzz::Expect(files.CreateDirectories(folder).has_value());
  fuzz::Expect(files.WriteFile(folder + kSegment, bytes).has_value());
}

void ReplayAll(FileSystem& files, Metrics& metrics) {
  Head head({}, 0, metrics);
  Replay replay(files, "wal", head, metrics, Logger(), [](SeriesId) { return std::nullopt; });
  if (replay.Run()) fuzz::ReadEverything(head);
}

void ReadExemplars(FileSystem& files, Metrics& metrics) {
  const test::ManualClock clock;
  const auto store = ExemplarStore::Open(files, clock, Logger(), metrics,
                                         {.directory = "exemplars", .capacity = 5},
                                         [](SeriesId) { return std::optional<Labels>(); });
  fuzz::Expect(store.has_value());
  const Matchers all[] = {{}};
  const auto found = (*store)->Select({}, all, {});
  fuzz::Expect(found.has_value());
  size_t count = 0;
  for (const ExemplarSeries& series : *found) count += series.exemplars.size();
  fuzz::Expect(count <= 5);
}

void ReadSegment(std::string_view bytes) {
  test::MemoryFileSystem files;
  MetricsRegistry registry;
  Metrics metrics(registry);
  Put(files, "wal", bytes);
  Put(files, "exemplars", bytes);
  ReplayAll(files, metrics);
  ReadExemplars(files, metrics);
}

}  // namespace
}  // namespace barograph::tsdb

std::vector<std::string> FuzzSeeds() {
  using namespace barograph::tsdb;
  std::vector<std::string> seeds;
  auto& files = fuzz::SmallHeadFiles();
  seeds.push_back(fuzz::FromFrames(*files.ReadFile("wal/00000001"), wal::kSegmentMagic, 1));
  seeds.push_back(fuzz::FromFrames(*files.ReadFile("exemplars/00000000"), wal::kSegmentMagic, 0));
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace barograph::tsdb;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  ReadSegment(fuzz::ToFrames(bytes, wal::kSegmentMagic, 1));
  ReadSegment(bytes);
  return 0;
}
