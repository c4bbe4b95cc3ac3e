#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/model/sample.h"
#include "tests/fuzz/fuzz_target.h"
#include "tsdb/index/id_codec.h"
#include "tsdb/index/keys.h"

// Any bytes as a set of ids, which must come back when it is one, and as keys of the series index.

std::vector<std::string> FuzzSeeds() {
  using namespace barograph::tsdb;
  Roaring runs, bits;
  runs.addRange(5, 90);
  for (uint32_t id = 1; id < 900; id += 3) bits.add(id);
  return {index::EncodeIds(runs), index::EncodeIds(bits),
          index::SeriesKey(barograph::SeriesId{258})};
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace barograph::tsdb::index;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)ParseSeriesKey(bytes);
  (void)ParseIdKey(bytes);
  (void)ParsePartPrefix(bytes);
  (void)ParseName(bytes);
  Roaring set, again;
  if (!DecodeIds(bytes, set)) return 0;
  if (!DecodeIds(EncodeIds(set), again) || !(again == set)) std::abort();
  return 0;
}
