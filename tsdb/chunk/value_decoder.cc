#include <algorithm>
#include <bit>

#include "tsdb/chunk/decimal.h"
#include "tsdb/chunk/integer_stream.h"
#include "tsdb/chunk/run_header.h"
#include "tsdb/chunk/value_codec.h"

namespace barograph::tsdb {
namespace {

std::unexpected<Error> Malformed(const char* what) {
  return Fail(ErrorCode::kCorruption, std::string("run of values: ") + what);
}

void Unmap(uint8_t mapping, const uint64_t* integers, size_t count, double* out) {
  if (mapping == kMappingBits) {
    for (size_t i = 0; i < count; ++i) out[i] = IntegerToBits(integers[i]);
  } else if (mapping == 0) {
    for (size_t i = 0; i < count; ++i) out[i] = IntegerToDouble(integers[i]);
  } else {
    const double power = kExactPowersOfTen[mapping & kMappingDecimals];
    for (size_t i = 0; i < count; ++i) out[i] = IntegerToDouble(integers[i]) / power;
  }
}

/// Moves each value by its drift.
bool DecodeDrift(const RunHeader& of, std::span<double> out) {
  RunHeader header;
  if (!ParseIntegerRunHeader(of.drift, out.size(), header)) return false;
  return DecodeIntegers(header, out.size(),
                        [out](const uint64_t* steps, size_t begin, size_t count) {
                          for (size_t i = 0; i < count; ++i) {
                            out[begin + i] = Drift(out[begin + i], steps[i]);
                          }
                        });
}

}  // namespace

Status DecodeValues(std::string_view bytes, std::span<double> out) {
  if (out.empty()) {
    if (!bytes.empty()) return Malformed("bytes without values");
    return {};
  }
  RunHeader header;
  if (!ParseRunHeader(bytes, out.size(), header)) return Malformed("a malformed header");
  if (header.kind == RunKind::kConstant) {
    if (!header.stream.empty()) return Malformed("bytes are left over");
    double value;
    Unmap(header.mapping, &header.base, 1, &value);
    std::ranges::fill(out, value);
    return {};
  }
  const bool decoded =
      DecodeIntegers(header, out.size(), [&](const uint64_t* integers, size_t begin, size_t count) {
        Unmap(header.mapping, integers, count, out.data() + begin);
      });
  if (!decoded) return Malformed("a malformed stream");
  if (header.has_drift() && !DecodeDrift(header, out)) return Malformed("a malformed drift");
  header.specials.ForEach(
      [out](size_t position, uint64_t bits) { out[position] = std::bit_cast<double>(bits); });
  return {};
}

}  // namespace barograph::tsdb
