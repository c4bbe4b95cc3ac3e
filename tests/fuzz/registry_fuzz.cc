#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/small_head.h"
#include "tsdb/head/registry_file.h"
#include "tsdb/head/series_dump.h"

// Frames, whose checksums are right, as the head's files of series. A registry that takes them must
// be one that can be asked and added to, and that is the same when it is written and read again.

namespace barograph::tsdb {
namespace {

constexpr std::string_view kMagic = "BAROSER1", kAddedMagic = "BAROSADD";

std::string DumpOf(const SeriesRegistry& registry) {
  std::string dump;
  fuzz::Expect(registry
                   .Dump([&](std::string_view piece) -> Status {
                     dump += piece;
                     return {};
                   })
                   .has_value());
  return dump;
}

void Ask(SeriesRegistry& registry) {
  const size_t size = registry.size();
  (void)registry.LabelNames();
  (void)registry.LabelValues("job");
  registry.VisitRange(0, size, [&](SeriesId id, const Labels& labels) {
    fuzz::Expect(registry.Find(id).has_value());
    (void)labels.ToString();
  });
  fuzz::Expect(registry.Match({}, {})->refs.size() == size);
  (void)registry.GetOrCreate({{"__name__", "new"}});
}

void ReadSeries(std::string_view file) {
  SeriesRegistry registry(0, {});
  if (!registry.Load(file)) return;
  const std::string dump = DumpOf(registry);
  SeriesRegistry again(0, {});
  fuzz::Expect(again.Load(dump).has_value());
  fuzz::Expect(DumpOf(again) == dump);
  Ask(registry);
}

void ReadAdded(std::string_view file) {
  SeriesRegistry registry(0, {});
  (void)ReadAddedSeries(
      file, [&](SeriesId id, const Labels& labels) { return registry.Restore(id, labels); });
  Ask(registry);
}

}  // namespace
}  // namespace barograph::tsdb

std::vector<std::string> FuzzSeeds() {
  using namespace barograph::tsdb;
  auto& files = fuzz::SmallHeadFiles();
  return {fuzz::FromFrames(*files.ReadFile("head/series"), kMagic, 0),
          fuzz::FromFrames(*files.ReadFile("head/series-added"), kAddedMagic, 0)};
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace barograph::tsdb;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  ReadSeries(fuzz::ToFrames(bytes, kMagic, 0));
  ReadAdded(fuzz::ToFrames(bytes, kAddedMagic, 0));
  return 0;
}
