#pragma once

#include <bit>
#include <cstdint>
#include <string>

#include "base/bytes/varint.h"

namespace barograph::tsdb::prometheus {

/// Writes bits, the highest of each byte first; the last byte is filled up with zeros.
class BitWriter {
 public:
  /// Goes on after `out`, which must outlive the writer.
  explicit BitWriter(std::string& out) : out_(out) {}

  void Bit(bool bit) { Bits(bit ? 1 : 0, 1); }

  /// The lowest `count` bits of `value`, 0 to 64.
  void Bits(uint64_t value, int count) {
    while (count > 0) {
      if (free_ == 0) {
        out_.push_back('\0');
        free_ = 8;
      }
      const int taken = count < free_ ? count : free_;
      const uint64_t part = (value >> (count - taken)) & ((uint64_t{1} << taken) - 1);
      free_ -= taken;
      count -= taken;
      out_.back() = static_cast<char>(static_cast<uint8_t>(out_.back()) | (part << free_));
    }
  }

  void Double(double value) { Bits(std::bit_cast<uint64_t>(value), 64); }

  void Uvarint(uint64_t value) {
    char bytes[kMaxVarintBytes];
    const char* end = PutVarint(bytes, value);
    for (const char* byte = bytes; byte < end; ++byte) Bits(static_cast<uint8_t>(*byte), 8);
  }
  void Varint(int64_t value) { Uvarint(ZigZag(value)); }

 private:
  std::string& out_;
  int free_ = 0;  // bits of the last byte
};

}  // namespace barograph::tsdb::prometheus
