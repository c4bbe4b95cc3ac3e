#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "base/bytes/varint.h"
#include "tsdb/chunk/decimal.h"
#include "tsdb/chunk/integer_loops.h"
#include "tsdb/chunk/integer_stream.h"
#include "tsdb/chunk/little_endian.h"
#include "tsdb/chunk/residual_reader.h"
#include "tsdb/chunk/run_header.h"
#include "tsdb/chunk/running_sums.h"
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

/// A delta run of decimals, but for sparse ones.
bool DecodeChanges(const RunHeader& header, std::span<double> out) {
  const double power = kExactPowersOfTen[header.decimals()];
  std::array<uint64_t, kResidualRoom> block;
  uint64_t integer = header.base;
  out[0] = UnmapOne(header.mapping, integer);
  ResidualReader reader(header.kind, header.stream, out.size() - 1);
  for (std::span<double> left = out.subspan(1); !left.empty();) {
    const size_t count = std::min(kBlockSize, left.size());
    if (!reader.Read(block.data(), count)) return false;
    if (header.divisor != 1) MultiplyAll(header.divisor, block.data(), count);
    integer = SumToDecimals(block.data(), count, integer, power, left.data());
    left = left.subspan(count);
  }
  return reader.AtEnd();
}

bool DecodeStream(const RunHeader& header, std::span<double> out) {
  if (header.transform == RunTransform::kDelta) {
    if (header.kind == RunKind::kSparse) return DecodeSteps(header, out);
    if (header.mapping != kMappingBits) return DecodeChanges(header, out);
  }
  return DecodeIntegers(header, out.size(),
                        [&](const uint64_t* integers, size_t begin, size_t count) {
                          Unmap(header.mapping, integers, count, out.data() + begin);
                        });
}

size_t CountBits(std::string_view bytes) {
  size_t count = 0;
  for (const char byte : bytes) {
    count += static_cast<size_t>(std::popcount(static_cast<uint8_t>(byte)));
  }
  return count;
}

/// A drift of which most is 0, as a bitmap: only what is not is looked at.
bool DecodeFewDrifts(std::string_view stream, std::span<double> out) {
  const size_t residuals = out.size() - 1;  // the first drift, which is 0, has none
  const size_t bitmap_bytes = (residuals + 7) / 8;
  if (stream.size() < bitmap_bytes) return false;
  const char* const bitmap = stream.data();
  const char* const end = bitmap + stream.size();
  const char* in = bitmap + bitmap_bytes;
  size_t left = CountBits(stream.substr(0, bitmap_bytes));  // of which no block was read yet
  std::array<uint64_t, kBlockSize> block;
  size_t next = 0, size = 0;  // in the block
  for (size_t begin = 0; begin < residuals; begin += 64) {
    std::array<char, 8> word{};
    std::memcpy(word.data(), bitmap + begin / 8, std::min<size_t>(8, bitmap_bytes - begin / 8));
    for (uint64_t bits = LoadLittleEndian64(word.data()); bits != 0; bits &= bits - 1) {
      const size_t at = begin + static_cast<size_t>(std::countr_zero(bits));
      if (at >= residuals) return false;
      if (next == size) {
        next = 0;
        size = std::min(kBlockSize, left);
        left -= size;
        in = ReadBlock(in, end, size, block.data());
        if (in == nullptr) return false;
      }
      out[at + 1] = Drift(out[at + 1], block[next++]);
    }
  }
  return in == end;
}

/// Moves each value by its drift.
bool DecodeDrift(const RunHeader& of, std::span<double> out) {
  RunHeader header;
  if (!ParseIntegerRunHeader(of.drift, out.size(), header)) return false;
  if (header.kind == RunKind::kBitmap && header.transform == RunTransform::kRaw &&
      header.base == 0 && header.divisor == 1) {
    return DecodeFewDrifts(header.stream, out);
  }
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
