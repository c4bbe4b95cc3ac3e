#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string_view>

#include "base/bytes/big_endian.h"
#include "base/bytes/varint.h"

namespace barograph::tsdb::prometheus {

/// Reads the bits of a chunk, the highest of each byte first. A read past the end gives zero, and
/// from then on ok() is false and every read gives zero.
class BitReader {
 public:
  explicit BitReader(std::string_view bytes) : bytes_(bytes), size_(bytes.size() * 8) {}

  bool ok() const { return ok_; }
  size_t left() const { return size_ - position_; }
  size_t position() const { return position_; }  ///< in bits

  bool Bit() { return Bits(1) != 0; }

  /// The next `count` bits, 0 to 64, as a number.
  uint64_t Bits(int count) {
    if (count > kWindowBits) {
      const uint64_t high = Bits(count - 32);
      return (high << 32) | Bits(32);
    }
    if (static_cast<size_t>(count) > left()) return Fail();
    if (count == 0) return 0;
    const uint64_t value = Window() >> (64 - count);
    position_ += static_cast<size_t>(count);
    return value;
  }

  /// How many ones come next, at most `most`; takes them, and the zero that ends a shorter run.
  int Ones(int most) {
    const int ones = std::min(std::countl_one(Window()), most);
    const int taken = ones < most ? ones + 1 : ones;
    if (static_cast<size_t>(taken) > left()) return static_cast<int>(Fail());
    position_ += static_cast<size_t>(taken);
    return ones;
  }

  /// A varint at any bit.
  uint64_t Uvarint() {
    char bytes[kMaxVarintBytes];
    for (size_t size = 0; size < kMaxVarintBytes && ok_;) {
      bytes[size] = static_cast<char>(Bits(8));
      if ((bytes[size++] & 0x80) != 0) continue;
      uint64_t value = 0;
      if (GetVarint(bytes, bytes + size, value) == nullptr) break;
      return ok_ ? value : 0;
    }
    return Fail();
  }
  int64_t Varint() { return UnZigZag(Uvarint()); }

 private:
  static constexpr int kWindowBits = 56;  // what Window has at least, wherever in a byte it starts

  // The next bits at the top of a word; zeros after the end.
  uint64_t Window() const {
    const size_t byte = position_ / 8;
    if (byte + sizeof(uint64_t) <= bytes_.size()) {
      return LoadBigEndian<uint64_t>(bytes_.data() + byte) << (position_ % 8);
    }
    uint64_t word = 0;
    for (size_t i = 0; i < sizeof(word); ++i) {
      word = (word << 8) | (byte + i < bytes_.size() ? static_cast<uint8_t>(bytes_[byte + i]) : 0);
    }
    return word << (position_ % 8);
  }

  uint64_t Fail() {
    ok_ = false;
    position_ = size_;
    return 0;
  }

  std::string_view bytes_;
  size_t size_;  // in bits
  size_t position_ = 0;
  bool ok_ = true;
};

}  // namespace barograph::tsdb::prometheus
