#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

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

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  barograph::tsdb::DecodeAndCompare(bytes, data[0]);
  return 0;
}
