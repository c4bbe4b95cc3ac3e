#include <algorithm>
#include <bit>

#include "base/bytes/varint.h"
#include "tsdb/chunk/decimal.h"
#include "tsdb/chunk/integer_loops.h"
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
    ToBits(integers, count, out);
  } else if (mapping == 0) {
    ToDoubles(integers, count, out);
  } else {
    ToDecimals(integers, count, kExactPowersOfTen[mapping & kMappingDecimals], out);
  }
}

double UnmapOne(uint8_t mapping, uint64_t integer) {
  double value;
  Unmap(mapping, &integer, 1, &value);
  return value;
}

/// A sparse delta run: stretches of one value, which are filled at once.
bool DecodeSteps(const RunHeader& header, std::span<double> out) {
  const char* in = header.stream.data();
  const char* const end = in + header.stream.size();
  uint64_t integer = header.base;
  size_t begin = 0;  // of the stretch
  while (in != end) {
    uint64_t gap = 0, change = 0;
    in = GetVarint(in, end, gap);
    if (in != nullptr) in = GetVarint(in, end, change);
    if (in == nullptr || gap >= out.size() - begin - 1) return false;
    const size_t size = gap + 1;
    std::ranges::fill(out.subspan(begin, size), UnmapOne(header.mapping, integer));
    integer += static_cast<uint64_t>(UnZigZag(change)) * header.divisor;
    begin += size;
  }
  std::ranges::fill(out.subspan(begin), UnmapOne(header.mapping, integer));
  return true;
}

bool DecodeStream(const RunHeader& header, std::span<double> out) {
  if (header.kind == RunKind::kSparse && header.transform == RunTransform::kDelta) {
    return DecodeSteps(header, out);
  }
  return DecodeIntegers(header, out.size(),
                        [&](const uint64_t* integers, size_t begin, size_t count) {
                          Unmap(header.mapping, integers, count, out.data() + begin);
                        });
}

/// Moves each value by its drift.
bool DecodeDrift(const RunHeader& of, std::span<double> out) {
  RunHeader header;
  if (!ParseIntegerRunHeader(of.drift, out.size(), header)) return false;
  return DecodeIntegers(header, out.size(),
                        [out](const uint64_t* steps, size_t begin, size_t count) {
                          DriftAll(steps, count, out.data() + begin);
                        });
}

/// Decodes what is not special by `decode(header)`.
template <typename DecodeRegular>
Status Decode(std::string_view bytes, std::span<double> out, DecodeRegular decode) {
  if (out.empty()) {
    if (!bytes.empty()) return Malformed("bytes without values");
    return {};
  }
  RunHeader header;
  if (!ParseRunHeader(bytes, out.size(), header)) return Malformed("a malformed header");
  if (header.kind == RunKind::kConstant) {
    if (!header.stream.empty()) return Malformed("bytes are left over");
    std::ranges::fill(out, UnmapOne(header.mapping, header.base));
    return {};
  }
  TRY(decode(header));
  header.specials.ForEach(
      [out](size_t position, uint64_t bits) { out[position] = std::bit_cast<double>(bits); });
  return {};
}

}  // namespace

Status DecodeValues(std::string_view bytes, std::span<double> out) {
  return Decode(bytes, out, [&](const RunHeader& header) -> Status {
    if (!DecodeStream(header, out)) return Malformed("a malformed stream");
    if (header.has_drift() && !DecodeDrift(header, out)) return Malformed("a malformed drift");
    return {};
  });
}

Status DecodeMarkers(std::string_view bytes, std::span<double> out) {
  return Decode(bytes, out, [&](const RunHeader& header) -> Status {
    // Decimals are no markers.
    if (header.mapping != kMappingBits) {
      std::ranges::fill(out, 0);
    } else if (!DecodeStream(header, out)) {
      return Malformed("a malformed stream");
    }
    return {};
  });
}

}  // namespace barograph::tsdb
