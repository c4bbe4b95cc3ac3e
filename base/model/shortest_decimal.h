#pragma once

#include <cstdint>

namespace barograph {

/// A number as digits * 10^exponent.
struct ShortestDecimal {
  uint64_t digits = 0;  ///< may end with zeros
  int exponent = 0;
};

/// Of the decimals that read back as `value` one with the fewest digits, and of those the nearest:
/// what Go's strconv finds, too. Precondition: finite and positive. Thread-safe.
ShortestDecimal FindShortest(double value);

}  // namespace barograph
