#include "base/model/shortest_decimal.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <optional>

namespace barograph {
namespace {

__extension__ using Uint128 = unsigned __int128;

// 10^power as significand * 2^(exponent - 127): the significand has 128 bits, of which the first is
// one, and what lies behind is cut off.
struct PowerOfTen {
  uint64_t high = 0;
  uint64_t low = 0;
};

constexpr int kLeastPower = -8;
constexpr int kMostPower = 44;

// floor(log2(10^power)) and floor(log10(2^power)).
constexpr int Log2OfPowerOfTen(int power) { return power * 217'706 >> 16; }
constexpr int Log10OfPowerOfTwo(int power) { return power * 315'653 >> 20; }

constexpr PowerOfTen Split(Uint128 significand) {
  return {static_cast<uint64_t>(significand >> 64), static_cast<uint64_t>(significand)};
}

// Up to 10^44 they are exact: 5^44 has 103 bits.
constexpr PowerOfTen LargePower(int power) {
  Uint128 five = 1;
  for (int i = 0; i < power; ++i) five *= 5;
  while (five >> 127 == 0) five <<= 1;
  return Split(five);
}

// 1 / 10^-power by long division.
constexpr PowerOfTen SmallPower(int power) {
  uint64_t ten = 1;
  for (int i = 0; i < -power; ++i) ten *= 10;
  Uint128 significand = 0;
  uint64_t rest = 1;
  while (significand >> 127 == 0) {
    rest *= 2;
    significand = significand << 1 | (rest >= ten ? 1 : 0);
    rest -= rest >= ten ? ten : 0;
  }
  return Split(significand);
}

constexpr auto kPowersOfTen = [] {
  std::array<PowerOfTen, kMostPower - kLeastPower + 1> powers;
  for (int power = kLeastPower; power <= kMostPower; ++power) {
    powers[static_cast<size_t>(power - kLeastPower)] =
        power < 0 ? SmallPower(power) : LargePower(power);
  }
  return powers;
}();

// The value is scaled by a power of ten such that what reads back as it is between one and ten
// wide: where a multiple of ten is in there, that one is the shortest, else the nearest whole
// number is (as in Giulietti's Schubfach, 2020). The scaled value is known to 64 bits behind the
// point, which nearly always tells. Nullopt where it does not, and for what is far larger or
// smaller than one.
std::optional<ShortestDecimal> FindQuickly(double value) {
  constexpr int kMantissaBits = 52;
  constexpr uint64_t kHidden = uint64_t{1} << kMantissaBits;
  const auto bits = std::bit_cast<uint64_t>(value);
  const uint64_t mantissa = bits & (kHidden - 1);
  const int power_of_two = static_cast<int>(bits >> kMantissaBits) - 1075;
  const int exponent = Log10OfPowerOfTwo(power_of_two);
  const int power = -exponent;
  // Behind a power of two the numbers are farther apart than before it.
  if (power < kLeastPower || power > kMostPower || mantissa == 0) return std::nullopt;
  const PowerOfTen ten = kPowersOfTen[static_cast<size_t>(power - kLeastPower)];
  const int width_log2 = power_of_two + Log2OfPowerOfTen(power);  // from 0 to 3

  const uint64_t factor = (mantissa | kHidden) << (width_log2 + 1);
  const Uint128 scaled =
      Uint128{factor} * ten.high + static_cast<uint64_t>(Uint128{factor} * ten.low >> 64);
  const auto whole = static_cast<uint64_t>(scaled >> 64);
  const auto fraction = static_cast<uint64_t>(scaled);

  // In units of 2^-60, of which rounding costs less than the slack.
  constexpr int kPoint = 60;
  constexpr uint64_t kSlack = 4;
  constexpr uint64_t kTen = uint64_t{10} << kPoint;
  const uint64_t last_digit = whole % 10;
  const uint64_t above = last_digit << kPoint | fraction >> (64 - kPoint);
  const uint64_t below = kTen - above;
  const uint64_t half_width = ten.high >> (4 - width_log2);
  const uint64_t ten_below = whole - last_digit;
  constexpr uint64_t kHalf = uint64_t{1} << 63;
  const bool is_close = (above - (half_width - kSlack) <= 2 * kSlack) |
                        (below - (half_width - kSlack) <= 2 * kSlack) |
                        (fraction - (kHalf - kSlack) <= 2 * kSlack);
  if (is_close) [[unlikely]]
    return std::nullopt;
  // Any of the three is as likely as the others, so that branches would cost more.
  uint64_t digits = whole + (fraction >> 63);
  digits = above < half_width ? ten_below : digits;
  digits = below < half_width ? ten_below + 10 : digits;
  return ShortestDecimal{digits, exponent};
}

}  // namespace

ShortestDecimal FindShortest(double value) {
  if (const auto found = FindQuickly(value)) return *found;
  // fmt has no public function that gives the digits as a number.
  const auto found = fmt::detail::dragonbox::to_decimal(value);
  return {found.significand, found.exponent};
}

}  // namespace barograph
