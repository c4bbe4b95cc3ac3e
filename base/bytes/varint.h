#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// LEB128 variable-length integers and zigzag, as Protocol Buffers define them.
namespace barograph {

inline constexpr size_t kMaxVarintBytes = 10;

/// Writes at most kMaxVarintBytes to `out`; returns the end of what it wrote.
inline char* PutVarint(char* out, uint64_t value) {
  while (value >= 0x80) {
    *out++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *out++ = static_cast<char>(value);
  return out;
}

/// How many bytes PutVarint writes.
constexpr size_t VarintBytes(uint64_t value) {
  return (static_cast<size_t>(std::bit_width(value | 1)) + 6) / 7;
}

inline void AppendVarint(std::string& out, uint64_t value) {
  char buffer[kMaxVarintBytes];
  out.append(buffer, static_cast<size_t>(PutVarint(buffer, value) - buffer));
}

/// Reads one varint from [in, end) into `value`. Returns the byte after it, or nullptr when the
/// bytes end inside it or it does not fit 64 bits.
inline const char* GetVarint(const char* in, const char* end, uint64_t& value) {
  uint64_t result = 0;
  for (unsigned shift = 0; in < end && shift < 64; shift += 7) {
    const auto byte = static_cast<uint8_t>(*in++);
    if (shift == 63 && byte > 1) return nullptr;
    result |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) {
      value = result;
      return in;
    }
  }
  return nullptr;
}

constexpr uint64_t ZigZag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}
constexpr int64_t UnZigZag(uint64_t value) {
  return static_cast<int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

}  // namespace barograph
