#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes/big_endian.h"
#include "base/bytes/varint.h"

namespace barograph {

/// Reads integers and texts from bytes that may end anywhere and be anything. A read past the end
/// gives zero or nothing, and from then on ok() is false and every read does so: check once, after
/// a group of reads.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : in_(bytes.data()), end_(in_ + bytes.size()) {}

  bool ok() const { return ok_; }
  size_t left() const { return static_cast<size_t>(end_ - in_); }
  std::string_view rest() const { return {in_, left()}; }
  bool at_end() const { return in_ == end_; }

  uint8_t Byte() { return Fixed<uint8_t>(); }

  /// A big-endian integer.
  template <std::unsigned_integral T>
  T Fixed() {
    const std::string_view bytes = Bytes(sizeof(T));
    return bytes.empty() ? T{0} : LoadBigEndian<T>(bytes.data());
  }

  uint64_t Uvarint() {
    uint64_t value = 0;
    const char* next = GetVarint(in_, end_, value);
    if (next == nullptr) {
      Fail();
      return 0;
    }
    in_ = next;
    return value;
  }
  int64_t Varint() { return UnZigZag(Uvarint()); }

  std::string_view Bytes(uint64_t size) {
    if (size > left()) {
      Fail();
      return {};
    }
    const std::string_view bytes(in_, static_cast<size_t>(size));
    in_ += size;
    return bytes;
  }

  /// A text behind its length.
  std::string_view Text() { return Bytes(Uvarint()); }

 private:
  void Fail() {
    ok_ = false;
    in_ = end_;
  }

  const char* in_;
  const char* end_;
  bool ok_ = true;
};

}  // namespace barograph
