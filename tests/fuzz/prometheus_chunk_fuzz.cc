#include <cstdint>
#include <cstdlib>
#include <random>
#include <string_view>

#include "tests/fuzz/fuzz_target.h"
#include "tests/tsdb/prometheus_samples.h"
#include "tsdb/prometheus/chunk.h"

// The first byte is an encoding, the rest a chunk of it. What is read is written and read again,
// and must be as many samples at the same times.

namespace barograph::tsdb::prometheus {
namespace {

void Expect(bool holds) {
  if (!holds) std::abort();
}

void WriteAndRead(const SampleColumns& samples) {
  SampleColumns again;
  for (size_t begin = 0; begin < samples.size();) {
    const EncodedChunk chunk = EncodeChunk(samples, begin);
    Expect(chunk.samples > 0);
    Expect(DecodeChunk(chunk.encoding, chunk.data, again).has_value());
    begin += chunk.samples;
  }
  Expect(again.size() == samples.size());
  for (size_t i = 0; i < samples.size(); ++i) {
    Expect(again.timestamps()[i] == samples.timestamps()[i]);
    Expect((again.histogram(i) == nullptr) == (samples.histogram(i) == nullptr));
    Expect(SameBits(again.values()[i], samples.values()[i]));
  }
}

}  // namespace
}  // namespace barograph::tsdb::prometheus

std::vector<std::string> FuzzSeeds() {
  using namespace barograph::tsdb::prometheus;
  std::mt19937_64 random(1);
  std::vector<std::string> seeds;
  for (const test::Shape shape : {test::Shape{true, false}, {false, true}, {true, true}}) {
    const SampleColumns samples = test::RandomSamples(random, 100, shape);
    for (size_t begin = 0; begin < samples.size();) {
      const EncodedChunk chunk = EncodeChunk(samples, begin);
      seeds.push_back(std::string(1, static_cast<char>(chunk.encoding)) + chunk.data);
      begin += chunk.samples;
    }
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace barograph::tsdb::prometheus;
  if (size == 0) return 0;
  const std::string_view chunk(reinterpret_cast<const char*>(data) + 1, size - 1);
  SampleColumns samples;
  (void)DecodeChunk(static_cast<ChunkEncoding>(data[0] % 8), chunk, samples);
  samples.SortByTime();
  WriteAndRead(samples);
  return 0;
}
