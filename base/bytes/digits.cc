#include "base/bytes/digits.h"

#include "base/wide.h"

namespace barograph {

// As SplitDigits, but each number's halves in lanes of their own, which are multiplied faster than
// whole words.
BAROGRAPH_WIDE void SplitAll(std::span<const uint32_t> numbers, std::span<uint64_t> digits) {
  constexpr size_t kAtOnce = 8;
  using Numbers = uint32_t __attribute__((vector_size(4 * kAtOnce)));
  using Words = uint64_t __attribute__((vector_size(8 * kAtOnce)));
  using Fours = uint32_t __attribute__((vector_size(8 * kAtOnce)));
  using Twos = uint16_t __attribute__((vector_size(8 * kAtOnce)));
  size_t i = 0;
  for (; i + kAtOnce <= numbers.size(); i += kAtOnce) {
    Numbers loaded;
    std::memcpy(&loaded, &numbers[i], sizeof(loaded));
    const Words whole = __builtin_convertvector(loaded, Words);
    const Words high = whole * 0xd1b7'1759 >> 45;  // whole / 10'000
    const auto fours = __builtin_bit_cast(Fours, high | (whole - high * 10'000) << 32);
    const Fours hundreds = fours * 10'486 >> 20;
    const auto twos = __builtin_bit_cast(Twos, hundreds | (fours - hundreds * 100) << 16);
    const Twos tens = twos * 103 >> 10;
    const Twos ones = tens | (twos - tens * 10) << 8;
    std::memcpy(&digits[i], &ones, sizeof(ones));
  }
  for (; i < numbers.size(); ++i) digits[i] = SplitDigits(numbers[i]);
}

}  // namespace barograph
