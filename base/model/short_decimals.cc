#include "base/model/short_decimals.h"

#include "base/wide.h"

namespace barograph {

// Different decimals of at most 15 digits are different doubles, so that the one that reads back as
// a value is its shortest text.
BAROGRAPH_WIDE void ShortDecimals::Split(std::span<const double> values) {
  // Added to a smaller number, it leaves no room for a fraction: the sum is rounded to the nearest
  // whole, which its low bits then are.
  constexpr double kRound = 0x1p52;
  constexpr uint64_t kLowBits = (uint64_t{1} << 52) - 1;
  constexpr double kUnits = 1e6;
  std::array<uint32_t, kMost> numbers;
  std::array<uint32_t, kMost> millionths;
  for (size_t i = 0; i < values.size(); ++i) {
    const double size = std::fabs(values[i]);
    const double whole = std::floor(size);
    const double units = (size * kUnits + kRound) - kRound;
    const bool is_whole = (whole == size) & (size < kRound);
    const bool is_short = (units < 1e15) & (units / kUnits == size);
    // Exact: both are whole, and at most 10^15.
    const double rest = (is_short & !is_whole) ? units - whole * kUnits : 0;
    short_[i] = (is_whole | is_short) ? 1 : 0;
    negative_[i] = std::bit_cast<uint64_t>(values[i]) >> 63;
    whole_[i] = std::bit_cast<uint64_t>(whole + kRound) & kLowBits;
    numbers[i] = static_cast<uint32_t>(whole_[i]);
    millionths[i] = static_cast<uint32_t>(std::bit_cast<uint64_t>(rest + kRound));
  }
  SplitAll({numbers.data(), values.size()}, whole_digits_);
  SplitAll({millionths.data(), values.size()}, fraction_digits_);
}

}  // namespace barograph
