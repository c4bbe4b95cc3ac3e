#include "tsdb/chunk/running_sums.h"

#include <bit>
#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "tsdb/chunk/bit_packing.h"
#include "tsdb/chunk/decimal.h"

namespace barograph::tsdb {
namespace {

using SumFunction = uint64_t (*)(uint64_t*, size_t, uint64_t, double, double*);

/// The bits of the values, and the last integer.
std::vector<uint64_t> SumWith(SumFunction sum, std::vector<uint64_t> changes, uint64_t integer,
                              double power) {
  // The allocation ends where the contract ends, so that ASan sees a step too far.
  std::vector<double> out(changes.size());
  const uint64_t last = sum(changes.data(), changes.size(), integer, power, out.data());
  std::vector<uint64_t> bits;
  for (const double value : out) bits.push_back(std::bit_cast<uint64_t>(value));
  bits.push_back(last);
  return bits;
}

std::vector<uint64_t> SumPlainly(const std::vector<uint64_t>& changes, uint64_t integer,
                                 double power) {
  std::vector<uint64_t> bits;
  for (const uint64_t change : changes) {
    integer += change;
    const double quotient = static_cast<double>(static_cast<int64_t>(integer)) / power;
    bits.push_back(std::bit_cast<uint64_t>(quotient));
  }
  bits.push_back(integer);
  return bits;
}

void RequireAll(const std::vector<uint64_t>& changes, uint64_t integer, double power) {
  const std::vector<uint64_t> expected = SumPlainly(changes, integer, power);
  REQUIRE(SumWith(SumToDecimals, changes, integer, power) == expected);
  REQUIRE(SumWith(SumToDecimalsPortable, changes, integer, power) == expected);
  if (HasAvx512()) REQUIRE(SumWith(SumToDecimalsAvx512, changes, integer, power) == expected);
}

/// The changes that lead from `first` through `integers`.
std::vector<uint64_t> ChangesOf(const std::vector<int64_t>& integers, int64_t first) {
  std::vector<uint64_t> changes;
  for (const int64_t integer : integers) {
    changes.push_back(static_cast<uint64_t>(integer) - static_cast<uint64_t>(first));
    first = integer;
  }
  return changes;
}

TEST_CASE("Sums of any count are divided by any power, by every implementation") {
  std::mt19937_64 random(1);
  for (size_t count = 0; count <= kBlockSize; ++count) {
    for (const double power : kExactPowersOfTen) {
      std::vector<uint64_t> changes(count);
      for (uint64_t& change : changes) change = random() % 2001 - 1000;
      RequireAll(changes, random() % (uint64_t{1} << 40), power);
    }
  }
}

TEST_CASE("Quotients are rounded as a division rounds them") {
  constexpr int64_t kLimit = int64_t{1} << 51;
  std::mt19937_64 random(2);
  std::vector<int64_t> integers = {0, 1, -1, 5, -5, kLimit - 1, 1 - kLimit, 0};
  for (unsigned bits = 1; bits <= 51; ++bits) {
    // Of every size, beside powers of two and of ten, and odd multiples of powers of five: these
    // are nearest to where two doubles are equally near.
    for (int i = 0; i < 400; ++i) {
      const auto any = static_cast<int64_t>(random() >> (64 - bits));
      integers.push_back(i % 2 == 0 ? any : -any);
    }
    for (int64_t beside = -3; beside <= 3; ++beside) {
      integers.push_back((int64_t{1} << (bits - 1)) + beside);
    }
  }
  for (int64_t five = 1; five < kLimit / 5; five *= 5) {
    for (int i = 0; i < 200; ++i) {
      const auto odd = static_cast<int64_t>(random() % static_cast<uint64_t>(kLimit / five)) | 1;
      const int64_t multiple = five * odd;
      for (const int64_t beside : {-1, 0, 1}) {
        if (multiple + beside < kLimit) integers.push_back(multiple + beside);
      }
    }
  }
  for (const double power : kExactPowersOfTen) RequireAll(ChangesOf(integers, 7), 7, power);
}

TEST_CASE("Quotients are rounded to the right side next to the middle of two doubles") {
  // The middle of two doubles is an odd integer of 54 bits and a power of two. It is nearest to
  // integer / 10^k where middle * 5^k + distance is the integer times a power of two, for a small
  // odd distance: such middles are found modulo that power.
  std::mt19937_64 random(3);
  uint64_t five = 1;  // to the power of `decimals`
  for (unsigned decimals = 1; decimals <= kMaxDecimals; ++decimals) {
    five *= 5;
    uint64_t inverse = five;  // modulo 2^64: each step doubles the bits that are right
    for (int step = 0; step < 6; ++step) inverse *= 2 - five * inverse;
    std::vector<int64_t> integers;
    for (unsigned zeros = 2; zeros <= 54; ++zeros) {
      for (int distance = -15; distance <= 15; distance += 2) {
        const uint64_t below = (uint64_t{1} << zeros) - 1;
        const uint64_t low = (0 - static_cast<uint64_t>(distance)) * inverse & below;
        const uint64_t high = (random() >> 11 | uint64_t{1} << 53) & ~below;
        const __int128 product = static_cast<__int128>(high | low) * five + distance;
        const __int128 integer = product >> zeros;
        REQUIRE(integer << zeros == product);
        if ((high | low) < uint64_t{1} << 53) continue;
        if (integer < static_cast<__int128>(kMaxDecimalInteger)) {
          integers.push_back(static_cast<int64_t>(integer));
          integers.push_back(-integers.back());
        }
      }
    }
    REQUIRE_FALSE(integers.empty());
    RequireAll(ChangesOf(integers, 0), 0, kExactPowersOfTen[decimals]);
  }
}

}  // namespace
}  // namespace barograph::tsdb
