#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/bytes/digits.h"
#include "base/model/number.h"

namespace barograph {

/// The texts of many values, for which most are taken apart side by side in vectors: whole numbers
/// below 2^52 and decimals of at most six places and 15 digits. Others are written one by one.
/// Not thread-safe.
class ShortDecimals {
 public:
  static constexpr size_t kMost = 64;

  /// Takes values in, in place of those before. Precondition: at most kMost.
  void Split(std::span<const double> values);

  /// Whether value `i` is one of those, and Write may be called.
  bool is_short(size_t i) const { return short_[i] != 0; }

  /// What WriteValue writes of value `i`: its text has at most 17 bytes, and up to kMaxValueSlack
  /// behind it are written, too.
  char* Write(char* out, size_t i) const {
    constexpr uint64_t kLastDigit = uint64_t{1} << 56;
    constexpr uint64_t kPoint = '0' ^ '.';
    *out = '-';
    out += negative_[i];
    if (whole_[i] < kNumbersOfEightDigits) {
      const uint64_t digits = whole_digits_[i];
      const int leading = std::countr_zero(digits | kLastDigit) / 8;
      out = Store(out, (digits | kZeroDigits) >> (8 * leading), 8 - leading);
    } else {
      out = WriteValue(out, static_cast<double>(whole_[i]));
    }
    // 00dddddd becomes .dddddd, of which what is zero at the end goes: with the point, if all is.
    const uint64_t digits = fraction_digits_[i];
    return Store(out, (digits >> 8 | kZeroDigits) ^ kPoint,
                 (63 - std::countl_zero(digits | 1)) / 8);
  }

 private:
  static constexpr uint64_t kNumbersOfEightDigits = 100'000'000;

  // Writes eight bytes, whatever it keeps.
  static char* Store(char* out, uint64_t text, int size) {
    std::memcpy(out, &text, sizeof(text));
    return out + size;
  }

  std::array<uint64_t, kMost> short_;
  std::array<uint64_t, kMost> negative_;
  std::array<uint64_t, kMost> whole_;
  std::array<uint64_t, kMost> whole_digits_;     // as SplitDigits, of what has at most eight
  std::array<uint64_t, kMost> fraction_digits_;  // as SplitDigits, of millionths
};

}  // namespace barograph
