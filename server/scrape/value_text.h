#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/model/number.h"

/// Sample values from the middle of a page, fast. Most are short decimals; these are read digit
/// by digit and scaled by an exact power of ten, which rounds correctly as long as the digits fit
/// in 53 bits and the power is at most 22 (W. D. Clinger, "How to read floating point numbers
/// accurately", 1990). All else is left to ParseValue.
namespace barograph::server {

/// How many bytes behind a value's start the functions here may read.
inline constexpr size_t kValueMargin = 64;

namespace value_text_internal {

inline constexpr std::array<double, 23> kPowersOfTen = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

inline bool IsDigit(char c) { return static_cast<unsigned char>(c - '0') < 10; }

// Reads digits into `mantissa`, at most up to `limit`.
inline const char* ReadDigits(const char* in, const char* limit, uint64_t& mantissa) {
  while (in != limit && IsDigit(*in)) mantissa = mantissa * 10 + static_cast<uint64_t>(*in++ - '0');
  return in;
}

// Reads e+09 at `in`; nullptr when it is not of that form or long.
inline const char* ReadExponent(const char* in, int& exponent) {
  ++in;
  const bool negative = *in == '-';
  if (negative || *in == '+') ++in;
  uint64_t digits = 0;
  const char* begin = in;
  in = ReadDigits(in, in + 4, digits);
  if (in == begin || in == begin + 4) return nullptr;
  exponent += negative ? -static_cast<int>(digits) : static_cast<int>(digits);
  return in;
}

// Any value: cut at the blank or newline behind it.
inline const char* ReadAnyValue(const char* in, double& value) {
  const std::string_view text(in, kValueMargin);
  const size_t size = text.find_first_of(" \n");
  if (size == text.npos) return nullptr;
  const auto parsed = ParseValue(text.substr(0, size));
  if (!parsed) return nullptr;
  value = *parsed;
  return in + size;
}

}  // namespace value_text_internal

/// Reads the value at `in` and gives the position behind it; nullptr for what is malformed or
/// unusually long. Precondition: kValueMargin bytes may be read.
inline const char* ReadValue(const char* in, double& value) {
  using namespace value_text_internal;
  constexpr ptrdiff_t kMaxDigits = 19;  // more may overflow the mantissa
  const char* const begin = in;
  const bool negative = *in == '-';
  if (negative) ++in;
  uint64_t mantissa = 0;
  const char* digits = in;
  in = ReadDigits(in, in + kMaxDigits + 1, mantissa);
  ptrdiff_t count = in - digits;
  int exponent = 0;
  if (*in == '.') {
    digits = ++in;
    in = ReadDigits(in, in + kMaxDigits + 1, mantissa);
    exponent = static_cast<int>(digits - in);
    count += in - digits;
  }
  if (count == 0 || count > kMaxDigits) [[unlikely]]
    return ReadAnyValue(begin, value);
  if (*in == 'e' || *in == 'E') {
    in = ReadExponent(in, exponent);
    if (in == nullptr) [[unlikely]]
      return ReadAnyValue(begin, value);
  }
  constexpr uint64_t kMaxExact = uint64_t{1} << 53;
  if (mantissa > kMaxExact || exponent < -22 || exponent > 22) [[unlikely]] {
    return ReadAnyValue(begin, value);
  }
  const auto whole = static_cast<double>(mantissa);
  const double size = exponent < 0 ? whole / kPowersOfTen[static_cast<size_t>(-exponent)]
                                   : whole * kPowersOfTen[static_cast<size_t>(exponent)];
  value = negative ? -size : size;
  return in;
}

/// A value's text as it was on the last page, with the byte behind it, if it is short: an equal
/// text needs no reading. How long it is the owner keeps, where it has a few bits for it.
class ValueText {
 public:
  static constexpr size_t kMaxBytes = 8;

  /// Whether the `size` bytes at `in` are this text. Precondition: kMaxBytes bytes may be read.
  bool Matches(const char* in, size_t size) const {
    return ((Load(in) ^ bytes_) & kMasks[size]) == 0;
  }

  /// Remembers the text at `in`. Precondition: kMaxBytes bytes may be read.
  void Set(const char* in) { bytes_ = Load(in); }

 private:
  static uint64_t Load(const char* in) {
    uint64_t bytes;
    std::memcpy(&bytes, in, sizeof(bytes));
    return bytes;
  }

  // For each size, ones over that many first bytes in memory.
  static constexpr auto kMasks = [] {
    std::array<uint64_t, kMaxBytes + 1> masks{};
    for (size_t size = 1; size <= kMaxBytes; ++size) {
      std::array<unsigned char, kMaxBytes> bytes{};
      for (size_t i = 0; i < size; ++i) bytes[i] = 0xff;
      masks[size] = std::bit_cast<uint64_t>(bytes);
    }
    return masks;
  }();
  uint64_t bytes_ = 0;
};

}  // namespace barograph::server
