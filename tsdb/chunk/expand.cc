#include "tsdb/chunk/expand.h"

#include <algorithm>
#include <array>
#include <bit>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "tsdb/chunk/bit_packing.h"

namespace barograph::tsdb {

const uint64_t* ExpandPortable(const uint64_t* bits, size_t count, const uint64_t* nonzero,
                               uint64_t* out) {
  uint64_t word = 0;
  for (size_t i = 0; i < count; ++i) {
    word = i % 64 == 0 ? bits[i / 64] : word >> 1;
    out[i] = *nonzero & (0 - (word & 1));
    nonzero += word & 1;
  }
  return nonzero;
}

#if defined(__x86_64__)

namespace {

/// Four integers at a time: for each four bits, which of the next integers (as pairs of 32-bit
/// halves) goes to which lane, and which lanes are not zero.
struct SpreadFour {
  alignas(32) std::array<uint32_t, 8> halves;
  alignas(32) std::array<uint64_t, 4> mask;
};

constexpr auto kSpreadFour = [] {
  std::array<SpreadFour, 16> table{};
  for (size_t bits = 0; bits < table.size(); ++bits) {
    uint32_t next = 0;
    for (size_t lane = 0; lane < 4; ++lane) {
      const bool set = (bits >> lane & 1) != 0;
      table[bits].halves[2 * lane] = 2 * next;
      table[bits].halves[2 * lane + 1] = 2 * next + 1;
      table[bits].mask[lane] = set ? ~uint64_t{0} : 0;
      next += set ? 1 : 0;
    }
  }
  return table;
}();

}  // namespace

__attribute__((target("avx2,popcnt,tune=haswell"))) const uint64_t* ExpandAvx2(
    const uint64_t* bits, size_t count, const uint64_t* nonzero, uint64_t* out) {
  for (uint64_t* const end = out + count; out < end; ++bits) {
    uint64_t word = *bits;
    for (uint64_t* const word_end = std::min(end, out + 64); out < word_end; out += 4, word >>= 4) {
      const uint64_t four = word & 15;
      const SpreadFour& spread = kSpreadFour[four];
      const __m256i next = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(nonzero));
      const __m256i halves =
          _mm256_load_si256(reinterpret_cast<const __m256i*>(spread.halves.data()));
      const __m256i mask = _mm256_load_si256(reinterpret_cast<const __m256i*>(spread.mask.data()));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out),
                          _mm256_and_si256(_mm256_permutevar8x32_epi32(next, halves), mask));
      nonzero += std::popcount(four);
    }
  }
  return nonzero;
}

#else

const uint64_t* ExpandAvx2(const uint64_t* bits, size_t count, const uint64_t* nonzero,
                           uint64_t* out) {
  return ExpandPortable(bits, count, nonzero, out);
}

#endif

const uint64_t* Expand(const uint64_t* bits, size_t count, const uint64_t* nonzero, uint64_t* out) {
  static const auto expand = HasAvx2() ? ExpandAvx2 : ExpandPortable;
  return expand(bits, count, nonzero, out);
}

}  // namespace barograph::tsdb
