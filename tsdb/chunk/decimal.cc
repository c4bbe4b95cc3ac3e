#include "tsdb/chunk/decimal.h"

// The bytes of a run must not depend on whether the machine fuses a multiplication with an
// addition.
#pragma STDC FP_CONTRACT OFF

namespace barograph::tsdb {
namespace {

bool SameBits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

template <bool kDivide>
size_t Map(std::span<const double> values, double power, uint64_t* integers, uint8_t* failed) {
  size_t failures = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double scaled = kDivide ? values[i] * power : values[i];
    const uint64_t integer = RoundToInteger(scaled);
    integers[i] = integer;
    const double whole = IntegerToDouble(integer);
    const bool exact = SameBits(kDivide ? whole / power : whole, values[i]);
    const bool small = std::abs(scaled) < kMaxDecimalInteger;
    failed[i] = exact && small ? 0 : 1;
    failures += failed[i];
  }
  return failures;
}

}  // namespace

size_t MapDecimals(std::span<const double> values, unsigned decimals, uint64_t* integers,
                   uint8_t* failed) {
  if (decimals == 0) return Map<false>(values, 1, integers, failed);
  return Map<true>(values, kExactPowersOfTen[decimals], integers, failed);
}

size_t MapDrifted(std::span<const double> values, unsigned decimals, uint64_t* integers,
                  uint64_t* drift, uint8_t* failed) {
  const double power = kExactPowersOfTen[decimals];
  size_t failures = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double scaled = values[i] * power;
    integers[i] = RoundToInteger(scaled);
    drift[i] = BitsToInteger(values[i]) - BitsToInteger(IntegerToDouble(integers[i]) / power);
    failed[i] = std::abs(scaled) < kMaxDecimalInteger ? 0 : 1;
    failures += failed[i];
  }
  return failures;
}

int DriftSavings(double value, unsigned decimals) {
  constexpr int kMantissaBits = 52;
  constexpr int kExponentBias = 1023;
  const double scaled = value * kExactPowersOfTen[decimals];
  if (!(std::abs(scaled) < kMaxDecimalInteger)) return 0;
  const double nearest = IntegerToDouble(RoundToInteger(scaled)) / kExactPowersOfTen[decimals];
  const auto drift = static_cast<int64_t>(BitsToInteger(value) - BitsToInteger(nearest));
  const auto exponent_bits = std::bit_cast<uint64_t>(value) >> kMantissaBits & 0x7ff;
  const int exponent = static_cast<int>(exponent_bits) - kExponentBias;
  const int log2_of_power = static_cast<int>(decimals * 3322 / 1000);
  const int usual = kMantissaBits - exponent - log2_of_power;
  return usual - std::bit_width(static_cast<uint64_t>(drift < 0 ? -drift : drift));
}

unsigned CountDecimals(double value, unsigned least) {
  for (unsigned decimals = least; decimals <= kMaxDecimals; ++decimals) {
    const double scaled = value * kExactPowersOfTen[decimals];
    if (!(std::abs(scaled) < kMaxDecimalInteger)) break;
    const uint64_t integer = RoundToInteger(scaled);
    if (SameBits(IntegerToDouble(integer) / kExactPowersOfTen[decimals], value)) return decimals;
  }
  return kMaxDecimals + 1;
}

}  // namespace barograph::tsdb
