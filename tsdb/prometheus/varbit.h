#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "tsdb/prometheus/bit_reader.h"
#include "tsdb/prometheus/bit_writer.h"

/// The variable-width numbers of Prometheus's chunks (prometheus/tsdb/docs/format/chunks.md): a run
/// of ones says how wide, the number follows.
namespace barograph::tsdb::prometheus {

/// The widths of <varbit_int> and <varbit_uint>, by the ones before them.
inline constexpr std::array<int, 9> kVarbitWidths = {0, 3, 6, 9, 12, 18, 25, 56, 64};
/// The widths of <varbit_ts>.
inline constexpr std::array<int, 5> kTimestampWidths = {0, 14, 17, 20, 64};

/// `bits` of a number of that width. Not two's complement: of 3 bits, 4 is 4 and 5 is -3.
constexpr int64_t SignExtend(uint64_t bits, int width) {
  const bool negative = width < 64 && width > 0 && bits > (uint64_t{1} << (width - 1));
  return static_cast<int64_t>(negative ? bits - (uint64_t{1} << width) : bits);
}

constexpr bool FitsSigned(int64_t value, int width) {
  if (width == 64) return true;
  if (width == 0) return value == 0;
  const int64_t half = int64_t{1} << (width - 1);
  return -half < value && value <= half;
}

constexpr bool FitsUnsigned(uint64_t value, int width) {
  return static_cast<int>(std::bit_width(value)) <= width;
}

template <size_t N>
int64_t ReadSigned(BitReader& in, const std::array<int, N>& widths) {
  const int width = widths[static_cast<size_t>(in.Ones(N - 1))];
  return SignExtend(in.Bits(width), width);
}

inline int64_t ReadVarbitInt(BitReader& in) { return ReadSigned(in, kVarbitWidths); }
inline int64_t ReadVarbitTimestamp(BitReader& in) { return ReadSigned(in, kTimestampWidths); }
inline uint64_t ReadVarbitUint(BitReader& in) {
  return in.Bits(kVarbitWidths[static_cast<size_t>(in.Ones(kVarbitWidths.size() - 1))]);
}

// `bits` in the first width that `fits`.
template <size_t N, typename Fits>
void WriteVarbit(BitWriter& out, uint64_t bits, const std::array<int, N>& widths, Fits&& fits) {
  size_t ones = 0;
  while (ones + 1 < N && !fits(widths[ones])) ++ones;
  const bool longest = ones + 1 == N;
  const uint64_t run = (uint64_t{1} << ones) - 1;
  out.Bits(longest ? run : run << 1, static_cast<int>(longest ? ones : ones + 1));
  out.Bits(bits, widths[ones]);
}

inline void WriteVarbitInt(BitWriter& out, int64_t value) {
  WriteVarbit(out, static_cast<uint64_t>(value), kVarbitWidths,
              [value](int width) { return FitsSigned(value, width); });
}
inline void WriteVarbitTimestamp(BitWriter& out, int64_t value) {
  WriteVarbit(out, static_cast<uint64_t>(value), kTimestampWidths,
              [value](int width) { return FitsSigned(value, width); });
}
inline void WriteVarbitUint(BitWriter& out, uint64_t value) {
  WriteVarbit(out, value, kVarbitWidths, [value](int width) { return FitsUnsigned(value, width); });
}

/// The window of bits in which the last XOR of a series of doubles differed (<varbit_xor>).
struct XorWindow {
  int leading = 0;   ///< zeros above it
  int trailing = 0;  ///< zeros below it
  bool set = false;  ///< a writer must not use it before

  int width() const { return 64 - leading - trailing; }
};

/// Applies the next XOR to `value`. False when the bits cannot be one.
bool ReadXor(BitReader& in, uint64_t& value, XorWindow& window);
/// A window of its own, and the bits in it: the end of a <varbit_xor>.
bool ReadNewWindow(BitReader& in, uint64_t& value, XorWindow& window);
void WriteXor(BitWriter& out, uint64_t value, uint64_t before, XorWindow& window);

}  // namespace barograph::tsdb::prometheus
