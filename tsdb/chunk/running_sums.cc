#include "tsdb/chunk/running_sums.h"

#include <bit>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "tsdb/chunk/bit_packing.h"
#include "tsdb/chunk/decimal.h"
#include "tsdb/chunk/integer_loops.h"

namespace barograph::tsdb {

uint64_t SumToDecimalsPortable(uint64_t* changes, size_t count, uint64_t integer, double power,
                               double* out) {
  for (size_t i = 0; i < count; ++i) changes[i] = integer += changes[i];
  if (power == 1) {
    ToDoubles(changes, count, out);
  } else {
    ToDecimals(changes, count, power, out);
  }
  return integer;
}

#if defined(__x86_64__)

#define BAROGRAPH_AVX512 __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,tune=znver4")))

namespace {

/// v / power, correctly rounded, for integers v below 2^51 in size and power = 10^k, k <= 22.
///
/// Be x = v / power and u the distance of doubles at x. `quotient` is v times the reciprocal, whose
/// relative error d is at most 2^-53: so it is less than 1.5 u away from x. `rest`, what is left of
/// v, is a multiple of quotient's last place times 2^k and at most 3 * 5^k of these, which is below
/// 2^53: it is exact. The result is the rounding of quotient + rest / power * (1 + d), which is
/// x + d (x - quotient): at most 1.5 * 2^-53 u away from x. Where two doubles are equally near to a
/// number, it is an odd multiple of u / 2, and at least u / (2 * 5^k) away from x, which is more:
/// so the rounding is that of x itself. (After Markstein, "Computation of elementary functions on
/// the IBM RISC System/6000 processor", 1990.) A division takes three times as long.
BAROGRAPH_AVX512 inline __m512d DivideExactly(__m512d v, __m512d power, __m512d reciprocal) {
  const __m512d quotient = _mm512_mul_pd(v, reciprocal);
  const __m512d rest = _mm512_fnmadd_pd(quotient, power, v);
  return _mm512_fmadd_pd(rest, reciprocal, quotient);
}

/// The sums of each lane and those below it.
BAROGRAPH_AVX512 inline __m512i SumLanes(__m512i lanes) {
  const __m512i zero = _mm512_setzero_si512();
  lanes = _mm512_add_epi64(lanes, _mm512_alignr_epi64(lanes, zero, 7));
  lanes = _mm512_add_epi64(lanes, _mm512_alignr_epi64(lanes, zero, 6));
  return _mm512_add_epi64(lanes, _mm512_alignr_epi64(lanes, zero, 4));
}

template <bool kDivide>
BAROGRAPH_AVX512 inline uint64_t Sum(const uint64_t* changes, size_t count, uint64_t integer,
                                     double power, double* out) {
  constexpr size_t kLanes = 8;
  const __m512d shift = _mm512_set1_pd(kIntegerShift);
  const __m512d powers = _mm512_set1_pd(power);
  const __m512d reciprocals = _mm512_set1_pd(1 / power);
  const __m512i top = _mm512_set1_epi64(kLanes - 1);
  // The integer so far, in every lane, as IntegerToDouble has it before its subtraction.
  __m512i last =
      _mm512_set1_epi64(static_cast<int64_t>(integer + std::bit_cast<uint64_t>(kIntegerShift)));
  const auto next = [&](__m512i lanes) BAROGRAPH_AVX512 {
    lanes = SumLanes(lanes);
    const __m512i sums = _mm512_add_epi64(lanes, last);
    last = _mm512_add_epi64(last, _mm512_permutexvar_epi64(top, lanes));
    const __m512d values = _mm512_sub_pd(_mm512_castsi512_pd(sums), shift);
    return kDivide ? DivideExactly(values, powers, reciprocals) : values;
  };
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    _mm512_storeu_pd(out + i, next(_mm512_loadu_si512(changes + i)));
  }
  if (i < count) {
    const auto rest = static_cast<__mmask8>((1u << (count - i)) - 1);
    _mm512_mask_storeu_pd(out + i, rest, next(_mm512_maskz_loadu_epi64(rest, changes + i)));
  }
  return static_cast<uint64_t>(_mm_cvtsi128_si64(_mm512_castsi512_si128(last))) -
         std::bit_cast<uint64_t>(kIntegerShift);
}

}  // namespace

BAROGRAPH_AVX512 uint64_t SumToDecimalsAvx512(uint64_t* changes, size_t count, uint64_t integer,
                                              double power, double* out) {
  return power == 1 ? Sum<false>(changes, count, integer, power, out)
                    : Sum<true>(changes, count, integer, power, out);
}

#else

uint64_t SumToDecimalsAvx512(uint64_t* changes, size_t count, uint64_t integer, double power,
                             double* out) {
  return SumToDecimalsPortable(changes, count, integer, power, out);
}

#endif

uint64_t SumToDecimals(uint64_t* changes, size_t count, uint64_t integer, double power,
                       double* out) {
  static const auto sum = HasAvx512() ? SumToDecimalsAvx512 : SumToDecimalsPortable;
  return sum(changes, count, integer, power, out);
}

}  // namespace barograph::tsdb
