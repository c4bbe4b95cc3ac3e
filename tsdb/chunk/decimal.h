#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

/// Doubles as integers, in two ways that lose nothing.
///
/// As decimals: a double that was once a short text is the quotient of an integer and a power of
/// ten. Division is correctly rounded, so integer and power give back the very same bits on every
/// machine (multiplying by 10^-n would not). Encoding does the same division and compares bits.
///
/// As bits: any double's own 64 bits, turned so that integers ascend as the doubles do.
namespace barograph::tsdb {

/// All powers of ten that a double holds exactly.
inline constexpr unsigned kMaxDecimals = 22;
inline constexpr std::array<double, kMaxDecimals + 1> kExactPowersOfTen = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/// Integers below this in size convert to double and back by adding and subtracting kIntegerShift,
/// which all processors do for several at once.
inline constexpr double kMaxDecimalInteger = 0x1p51;
inline constexpr double kIntegerShift = 0x1.8p52;

inline uint64_t RoundToInteger(double scaled) {
  return std::bit_cast<uint64_t>(scaled + kIntegerShift) - std::bit_cast<uint64_t>(kIntegerShift);
}
inline double IntegerToDouble(uint64_t integer) {
  return std::bit_cast<double>(integer + std::bit_cast<uint64_t>(kIntegerShift)) - kIntegerShift;
}

inline uint64_t BitsToInteger(double value) {
  const auto bits = std::bit_cast<int64_t>(value);
  return static_cast<uint64_t>(bits ^ ((bits >> 63) & INT64_MAX));
}
inline double IntegerToBits(uint64_t integer) {
  const auto bits = static_cast<int64_t>(integer);
  return std::bit_cast<double>(bits ^ ((bits >> 63) & INT64_MAX));
}

/// The double so many steps (in the order of doubles) above `value`.
inline double Drift(double value, uint64_t steps) {
  return IntegerToBits(BitsToInteger(value) + steps);
}

/// Writes values[i] * 10^decimals to integers[i] where that is exact in the sense above. Elsewhere
/// integers[i] is unspecified and failed[i] is 1 (else 0). Returns how many failed.
size_t MapDecimals(std::span<const double> values, unsigned decimals, uint64_t* integers,
                   uint8_t* failed);

/// As MapDecimals, but rounds to the nearest decimal and writes to drift[i] the steps from there
/// to values[i]. Fails only where the integer would be too large, and for NaN.
size_t MapDrifted(std::span<const double> values, unsigned decimals, uint64_t* integers,
                  uint64_t* drift, uint8_t* failed);

/// How many bits shorter than usual the drift of a value with that many decimals is: the usual is
/// that of a double which has nothing to do with them. Precondition: finite, not 0.
int DriftSavings(double value, unsigned decimals);

/// The fewest decimals, from `least` on, that represent `value`; more than kMaxDecimals where
/// nothing does.
unsigned CountDecimals(double value, unsigned least);

}  // namespace barograph::tsdb
