#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz_target.h"
#include "tsdb/chunk/summary.h"
#include "tsdb/chunk/timestamp_codec.h"
#include "tsdb/chunk/value_codec.h"

// The first two bytes are a count. The rest is decoded as everything it may be, and encoded as
// values and as timestamps, which must come back bit for bit.

namespace barograph::tsdb {
namespace {

void DecodeAnything(std::string_view bytes, size_t count) {
  std::vector<double> values(count);
  (void)DecodeValues(bytes, values);
  std::vector<Timestamp> timestamps(count);
  (void)DecodeTimestamps(bytes, timestamps);
  (void)ParseSummary(bytes, static_cast<uint32_t>(count));
  (void)DescribeValues(bytes, count);
}

void Expect(bool same) {
  if (!same) std::abort();
}

void EncodeAndCompare(std::string_view bytes) {
  const size_t count = bytes.size() / sizeof(double);
  std::vector<double> values(count), decoded(count);
  if (count > 0) std::memcpy(values.data(), bytes.data(), count * sizeof(double));
  std::string encoded;
  EncodeValues(values, encoded);
  Expect(DecodeValues(encoded, decoded).has_value());
  Expect(count == 0 || std::memcmp(values.data(), decoded.data(), count * sizeof(double)) == 0);

  std::vector<Timestamp> timestamps(count), times(count);
  for (size_t i = 0; i < count; ++i) {
    int64_t ms;
    std::memcpy(&ms, bytes.data() + i * sizeof(ms), sizeof(ms));
    timestamps[i] = FromMs(ms);
  }
  encoded.clear();
  EncodeTimestamps(timestamps, encoded);
  Expect(DecodeTimestamps(encoded, times).has_value());
  Expect(times == timestamps);
}

}  // namespace
}  // namespace barograph::tsdb

std::vector<std::string> FuzzSeeds() {
  using namespace barograph::tsdb;
  std::vector<std::string> seeds;
  std::vector<double> values;
  std::vector<barograph::Timestamp> times;
  for (int i = 0; i < 120; ++i) {
    values.push_back(i % 11 == 0 ? 1e300 / (i + 1) : i * 0.25);
    times.push_back(barograph::FromMs(i * 15'000 + i % 3));
  }
  const std::string count("\170\0", 2);
  seeds.push_back(count);
  EncodeValues(values, seeds.back());
  seeds.push_back(count);
  EncodeTimestamps(times, seeds.back());
  seeds.push_back(count + std::string(reinterpret_cast<const char*>(values.data()), 160));
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const size_t count = data[0] | static_cast<size_t>(data[1]) << 8;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  barograph::tsdb::DecodeAnything(bytes, count);
  barograph::tsdb::EncodeAndCompare(bytes);
  return 0;
}
