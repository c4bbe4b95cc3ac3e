#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>

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

/// The eight decimal digits of a number below 10^8, the first in the lowest byte: taken apart in
/// halves side by side, in one register.
inline uint64_t SplitDigits(uint32_t value) {
  constexpr uint32_t kHalf = 10'000;
  const uint64_t fours = uint64_t{value / kHalf} | uint64_t{value % kHalf} << 32;
  // n / 100 is n * 10486 >> 20 up to 9999, and n / 10 is n * 103 >> 10 up to 99.
  const uint64_t hundreds = (fours * 10'486 >> 20) & 0x0000'007f'0000'007f;
  const uint64_t twos = hundreds | (fours - 100 * hundreds) << 16;
  const uint64_t tens = (twos * 103 >> 10) & 0x000f'000f'000f'000f;
  return tens | (twos - 10 * tens) << 8;
}

/// SplitDigits of each number, many at a time in vectors. Of what has more than eight digits the
/// result is not specified. Precondition: room for as many digits as numbers.
void SplitAll(std::span<const uint32_t> numbers, std::span<uint64_t> digits);

/// What makes text of digits of SplitDigits: written as they are, the first comes first.
inline constexpr uint64_t kZeroDigits = 0x3030'3030'3030'3030;
static_assert(std::endian::native == std::endian::little);

}  // namespace barograph
