#pragma once

#include <cmath>
#include <cstdint>
#include <optional>

#include "base/model/sample.h"

/// Doubles as scaled integers: most metrics are whole numbers or short decimals, whose changes
/// are small integers. The way back divides, which is correctly rounded, so that every decimal of
/// up to 15 digits survives to the bit.
namespace barograph::tsdb {

/// How a column's changes are counted: 0 to kMaxPlaces decimal places, or in the 64 bits of the
/// double taken as an integer.
using DecimalMode = uint8_t;
inline constexpr DecimalMode kMaxPlaces = 14;
inline constexpr DecimalMode kRawBits = 15;

inline constexpr double kPowersOfTen[] = {1,   1e1, 1e2,  1e3,  1e4,  1e5,  1e6, 1e7,
                                          1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14};
inline constexpr double kDecimalLimit = 2251799813685248;  // 2^51: differences cannot overflow

/// value * 10^places when that is an integer below kDecimalLimit and dividing gives `value` back
/// to the bit. False otherwise: for NaN, infinities and -0 always. Precondition: places is not
/// kRawBits.
inline bool ToDecimal(double value, DecimalMode places, int64_t& out) {
  const double scaled = places == 0 ? value : std::nearbyint(value * kPowersOfTen[places]);
  if (!(scaled > -kDecimalLimit && scaled < kDecimalLimit)) return false;
  out = static_cast<int64_t>(scaled);
  const auto integer = static_cast<double>(out);
  return SameBits(places == 0 ? integer : integer / kPowersOfTen[places], value);
}

/// ToDecimal for a value known to be exact with these places.
inline int64_t Quantum(double value, DecimalMode places) {
  return static_cast<int64_t>(places == 0 ? value : std::nearbyint(value * kPowersOfTen[places]));
}
inline double FromDecimal(int64_t quantum, DecimalMode places) {
  const auto integer = static_cast<double>(quantum);
  return places == 0 ? integer : integer / kPowersOfTen[places];
}

/// The fewest places that hold `value`, or kRawBits.
inline DecimalMode FindMode(double value) {
  int64_t ignored;
  for (DecimalMode places = 0; places <= kMaxPlaces; ++places) {
    if (ToDecimal(value, places, ignored)) return places;
  }
  return kRawBits;
}

inline uint64_t Bits(double value) { return std::bit_cast<uint64_t>(value); }
inline double FromBits(uint64_t bits) { return std::bit_cast<double>(bits); }

}  // namespace barograph::tsdb
