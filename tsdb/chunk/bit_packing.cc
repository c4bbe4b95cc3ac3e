#include "tsdb/chunk/bit_packing.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "tsdb/chunk/little_endian.h"

namespace barograph::tsdb {
namespace {

constexpr uint64_t LowBits(unsigned width) { return width == 0 ? 0 : ~uint64_t{0} >> (64 - width); }

/// The widest value that eight bytes hold wherever in its first byte it begins.
constexpr unsigned kMaxOneLoadWidth = 57;

void UnpackWide(const char* in, size_t count, unsigned width, uint64_t addend, uint64_t* out) {
  const uint64_t mask = LowBits(width);
  for (size_t i = 0; i < count; ++i) {
    const size_t bit = i * width;
    const unsigned shift = bit % 8;
    uint64_t value = LoadLittleEndian64(in + bit / 8) >> shift;
    if (shift > 0) {
      value |= uint64_t{static_cast<uint8_t>(in[bit / 8 + 8])} << (64 - shift);
    }
    out[i] = (value & mask) + addend;
  }
}

/// Copies the packed bytes to where there is room for `unpack` to read on.
void UnpackCopy(void (*unpack)(const char*, size_t, unsigned, uint64_t, uint64_t*), const char* in,
                size_t count, unsigned width, uint64_t addend, uint64_t* out) {
  const size_t bytes = PackedBytes(count, width);
  std::array<char, kBlockSize * 8 + kUnpackSlack> padded;
  std::copy_n(in, bytes, padded.data());
  std::memset(padded.data() + bytes, 0, kUnpackSlack);
  unpack(padded.data(), count, width, addend, out);
}

}  // namespace

void AppendPacked(const uint64_t* values, size_t count, unsigned width, std::string& out) {
  const size_t bytes = PackedBytes(count, width);
  if (bytes == 0) return;
  const uint64_t mask = LowBits(width);
  const size_t begin = out.size();
  out.resize(begin + bytes + 8);  // room for the last whole word
  char* to = out.data() + begin;
  uint64_t word = 0;
  unsigned used = 0;  // bits of `word`, fewer than 64
  for (size_t i = 0; i < count; ++i) {
    const uint64_t value = values[i] & mask;
    word |= value << used;
    used += width;
    if (used >= 64) {
      StoreLittleEndian64(to, word);
      to += 8;
      used -= 64;
      word = used == 0 ? 0 : value >> (width - used);
    }
  }
  StoreLittleEndian64(to, word);
  out.resize(begin + bytes);
}

void UnpackPortable(const char* in, size_t count, unsigned width, uint64_t addend, uint64_t* out) {
  if (width > kMaxOneLoadWidth) return UnpackWide(in, count, width, addend, out);
  const uint64_t mask = LowBits(width);
  for (size_t i = 0; i < count; ++i) {
    const size_t bit = i * width;
    out[i] = ((LoadLittleEndian64(in + bit / 8) >> (bit % 8)) & mask) + addend;
  }
}

#if defined(__x86_64__)

namespace {

/// How to spread eight values, which begin at a byte's edge, over 64-bit lanes. A 128-bit lane
/// takes two neighbours: `offset` is where its load begins, `shuffle` moves the eight bytes that
/// a value touches into its lane, `shift` drops the bits before it.
struct SpreadPlan {
  alignas(32) std::array<std::array<uint8_t, 32>, 2> shuffle;
  alignas(32) std::array<std::array<uint64_t, 4>, 2> shift;
  std::array<uint8_t, 4> offset;
};

constexpr SpreadPlan MakeSpreadPlan(unsigned width) {
  SpreadPlan plan{};
  for (unsigned i = 0; i < kUnpackGroup; ++i) {
    const unsigned bit = i * width;
    const unsigned first_byte = (i / 2 * 2) * width / 8;
    plan.offset[i / 2] = static_cast<uint8_t>(first_byte);
    plan.shift[i / 4][i % 4] = bit % 8;
    for (unsigned byte = 0; byte < 8; ++byte) {
      plan.shuffle[i / 4][(i % 4) * 8 + byte] = static_cast<uint8_t>(bit / 8 - first_byte + byte);
    }
  }
  return plan;
}

constexpr auto kSpreadPlans = [] {
  std::array<SpreadPlan, kMaxOneLoadWidth + 1> plans{};
  for (unsigned width = 0; width <= kMaxOneLoadWidth; ++width) {
    plans[width] = MakeSpreadPlan(width);
  }
  return plans;
}();

__attribute__((target("avx2,tune=haswell"))) inline __m256i LoadLanes(const char* low,
                                                                      const char* high) {
  return _mm256_inserti128_si256(
      _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(low))),
      _mm_loadu_si128(reinterpret_cast<const __m128i*>(high)), 1);
}

}  // namespace

__attribute__((target("avx2,tune=haswell"))) void UnpackAvx2(const char* in, size_t count,
                                                             unsigned width, uint64_t addend,
                                                             uint64_t* out) {
  if (width > kMaxOneLoadWidth) return UnpackWide(in, count, width, addend, out);
  const SpreadPlan& plan = kSpreadPlans[width];
  const auto* shuffles = reinterpret_cast<const __m256i*>(plan.shuffle.data());
  const auto* shifts = reinterpret_cast<const __m256i*>(plan.shift.data());
  const __m256i shuffle0 = _mm256_load_si256(shuffles);
  const __m256i shuffle1 = _mm256_load_si256(shuffles + 1);
  const __m256i shift0 = _mm256_load_si256(shifts);
  const __m256i shift1 = _mm256_load_si256(shifts + 1);
  const __m256i mask = _mm256_set1_epi64x(static_cast<int64_t>(LowBits(width)));
  const __m256i base = _mm256_set1_epi64x(static_cast<int64_t>(addend));
  for (size_t i = 0; i < count; i += kUnpackGroup, in += width) {
    const __m256i bytes0 = LoadLanes(in + plan.offset[0], in + plan.offset[1]);
    const __m256i bytes1 = LoadLanes(in + plan.offset[2], in + plan.offset[3]);
    const __m256i low = _mm256_srlv_epi64(_mm256_shuffle_epi8(bytes0, shuffle0), shift0);
    const __m256i high = _mm256_srlv_epi64(_mm256_shuffle_epi8(bytes1, shuffle1), shift1);
    auto* to = reinterpret_cast<__m256i*>(out + i);
    _mm256_storeu_si256(to, _mm256_add_epi64(_mm256_and_si256(low, mask), base));
    _mm256_storeu_si256(to + 1, _mm256_add_epi64(_mm256_and_si256(high, mask), base));
  }
}

bool HasAvx2() {
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return has;
}

namespace {

/// How to spread eight values, which begin at a byte's edge, over 64-bit lanes: as SpreadPlan, but
/// from one load.
struct WideSpreadPlan {
  alignas(64) std::array<uint8_t, 64> bytes;
  alignas(64) std::array<uint64_t, 8> shift;
};

constexpr auto kWideSpreadPlans = [] {
  std::array<WideSpreadPlan, kMaxOneLoadWidth + 1> plans{};
  for (unsigned width = 0; width <= kMaxOneLoadWidth; ++width) {
    for (unsigned i = 0; i < kUnpackGroup; ++i) {
      const unsigned bit = i * width;
      plans[width].shift[i] = bit % 8;
      for (unsigned byte = 0; byte < 8; ++byte) {
        plans[width].bytes[i * 8 + byte] = static_cast<uint8_t>(bit / 8 + byte);
      }
    }
  }
  return plans;
}();

}  // namespace

#define BAROGRAPH_VBMI \
  __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512vbmi,tune=znver4")))

BAROGRAPH_VBMI void UnpackAvx512(const char* in, const char* end, size_t count, unsigned width,
                                 uint64_t addend, uint64_t* out) {
  if (width > kMaxOneLoadWidth) return UnpackCopy(UnpackWide, in, count, width, addend, out);
  constexpr ptrdiff_t kLoad = 64;
  const WideSpreadPlan& plan = kWideSpreadPlans[width];
  const __m512i bytes = _mm512_load_si512(plan.bytes.data());
  const __m512i shift = _mm512_load_si512(plan.shift.data());
  const __m512i mask = _mm512_set1_epi64(static_cast<int64_t>(LowBits(width)));
  const __m512i base = _mm512_set1_epi64(static_cast<int64_t>(addend));
  const auto store = [&](__m512i packed, size_t i) BAROGRAPH_VBMI {
    const __m512i lanes = _mm512_srlv_epi64(_mm512_permutexvar_epi8(bytes, packed), shift);
    _mm512_storeu_si512(out + i, _mm512_add_epi64(_mm512_and_si512(lanes, mask), base));
  };
  size_t i = 0;
  for (; i < count && end - in >= kLoad; i += kUnpackGroup, in += width) {
    store(_mm512_loadu_si512(in), i);
  }
  for (; i < count; i += kUnpackGroup, in += width) {
    const auto left = static_cast<uint64_t>(std::max<ptrdiff_t>(end - in, 0));
    store(_mm512_maskz_loadu_epi8((uint64_t{1} << left) - 1, in), i);
  }
}

bool HasAvx512() {
  static const bool has =
      __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
      __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
      __builtin_cpu_supports("avx512vbmi") != 0;
  return has;
}

#else

void UnpackAvx2(const char* in, size_t count, unsigned width, uint64_t addend, uint64_t* out) {
  UnpackPortable(in, count, width, addend, out);
}

void UnpackAvx512(const char* in, const char* end, size_t count, unsigned width, uint64_t addend,
                  uint64_t* out) {
  Unpack(in, end, count, width, addend, out);
}

bool HasAvx2() { return false; }
bool HasAvx512() { return false; }

#endif

void Unpack(const char* in, const char* end, size_t count, unsigned width, uint64_t addend,
            uint64_t* out) {
  if (HasAvx512()) return UnpackAvx512(in, end, count, width, addend, out);
  const auto unpack = HasAvx2() ? UnpackAvx2 : UnpackPortable;
  if (static_cast<size_t>(end - in) >= PackedBytes(count, width) + kUnpackSlack) {
    unpack(in, count, width, addend, out);
  } else {
    UnpackCopy(unpack, in, count, width, addend, out);
  }
}

}  // namespace barograph::tsdb
