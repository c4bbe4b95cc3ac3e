#pragma once

#include <array>
#include <cstdint>
#include <cstring>

namespace barograph {

/// "00", "01", ... "99".
inline constexpr auto kDigitPairs = [] {
  std::array<char, 200> pairs{};
  for (size_t i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}();

/// Writes a number in so many decimal digits, with zeros in front; gives where they end.
/// Precondition: it has no more.
template <int kDigits>
char* WriteDigits(char* out, uint32_t value) {
  int left = kDigits;
  for (; left >= 2; left -= 2, value /= 100) {
    std::memcpy(out + left - 2, &kDigitPairs[2 * (value % 100)], 2);
  }
  if (left == 1) *out = static_cast<char>('0' + value);
  return out + kDigits;
}

}  // namespace barograph
