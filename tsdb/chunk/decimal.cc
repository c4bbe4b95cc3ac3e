#include "tsdb/chunk/decimal.h"

// The bytes of a run must not depend on whether the machine fuses a multiplication with an
// addition.
#pragma STDC FP_CONTRACT OFF

namespace barograph::tsdb {
namespace {

bool SameBits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

}  // namespace

size_t MapDecimals(std::span<const double> values, unsigned decimals, uint64_t* integers,
                   uint8_t* failed) {
  const double power = kExactPowersOfTen[decimals];
  size_t failures = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double scaled = values[i] * power;
    const uint64_t integer = RoundToInteger(scaled);
    integers[i] = integer;
    const bool exact = SameBits(IntegerToDouble(integer) / power, values[i]);
    const bool small = std::abs(scaled) < kMaxDecimalInteger;
    failed[i] = exact && small ? 0 : 1;
    failures += failed[i];
  }
  return failures;
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
