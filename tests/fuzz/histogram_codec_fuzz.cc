#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz_target.h"
#include "tests/tsdb/histograms.h"
#include "tsdb/chunk/histogram_codec.h"

// The first byte is a count. The rest is decoded as a run of histograms; what comes of it is
// encoded, and must come back bit for bit.

namespace barograph::tsdb {
namespace {

void DecodeAndCompare(std::string_view bytes, size_t count) {
  std::vector<FloatHistogram> histograms(count), again(count);
  if (!DecodeHistograms(bytes, histograms)) return;
  std::vector<const FloatHistogram*> run;
  for (const FloatHistogram& histogram : histograms) {
    if (!IsStorable(histogram)) std::abort();
    run.push_back(&histogram);
  }
  std::string encoded;
  HistogramEncoder().Encode(run, encoded);
  if (!DecodeHistograms(encoded, again) || again != histograms) std::abort();
}

}  // namespace
}  // namespace barograph::tsdb

std::vector<std::string> FuzzSeeds() {
  using namespace barograph;
  std::mt19937_64 random(1);
  std::vector<std::string> seeds;
  for (uint64_t kind = 0; kind < 4; ++kind) {
    std::vector<FloatHistogram> histograms;
    std::vector<const FloatHistogram*> run;
    for (int i = 0; i < 12; ++i) histograms.push_back(test::RandomHistogram(random, kind));
    for (const FloatHistogram& histogram : histograms) run.push_back(&histogram);
    std::string& seed = seeds.emplace_back(1, static_cast<char>(run.size()));
    tsdb::HistogramEncoder().Encode(run, seed);
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  barograph::tsdb::DecodeAndCompare(bytes, data[0]);
  return 0;
}
