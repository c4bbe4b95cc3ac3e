#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/bytes/varint.h"

/// Protocol Buffers on the wire (protobuf.dev/programming-guides/encoding), read in place: a
/// message is a view, a field is a view or a number, nothing is copied or allocated
/// (docs/decisions/0006-protobuf.md).
namespace barograph::server {

enum class WireType : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

/// What stands before a field: its number and how it is written. A known number with another wire
/// type is another tag, and so, as with an unknown number, is passed over.
using Tag = uint32_t;
constexpr Tag MakeTag(uint32_t field, WireType type) {
  return field << 3 | static_cast<uint32_t>(type);
}

/// The number that the eight bytes of a varint in `word` stand for, those behind its end being 0.
constexpr uint64_t JoinVarint(uint64_t word) {
  word = (word & 0x007f007f007f007f) | (word & 0x7f007f007f007f00) >> 1;
  word = (word & 0x00003fff00003fff) | (word & 0x3fff00003fff0000) >> 2;
  return (word & 0x000000000fffffff) | (word & 0x0fffffff00000000) >> 4;
}

/// Walks the fields of one message, in the order in which they are written. The bytes must outlive
/// it. Not thread-safe.
///
///     ProtobufReader reader(message);
///     while (reader.Next()) {
///       if (reader.tag() == kTimestamp) timestamp = reader.Int64();
///     }
///     if (!reader.ok()) ...
class ProtobufReader {
 public:
  explicit ProtobufReader(std::string_view message)
      : in_(message.data()), end_(message.data() + message.size()) {}

  /// Reads one field. False at the end, and where the bytes are malformed, which ok() then tells.
  bool Next() {
    if (in_ == end_) return false;
    field_begin_ = in_;
    uint64_t tag = 0;
    if (!ReadVarint(tag)) return Malformed();
    tag_ = static_cast<Tag>(tag);
    if (tag > UINT32_MAX || tag >> 3 == 0) return Malformed();
    switch (static_cast<WireType>(tag & 7)) {
      case WireType::kVarint: return ReadVarint(number_) || Malformed();
      case WireType::kFixed64: return ReadFixed<uint64_t>() || Malformed();
      case WireType::kBytes: return ReadBytes() || Malformed();
      case WireType::kFixed32: return ReadFixed<uint32_t>() || Malformed();
    }
    return Malformed();  // groups, which proto3 does not have
  }

  bool ok() const { return ok_; }
  Tag tag() const { return tag_; }

  // The field's value. Each fits the wire type that tag() names.
  std::string_view bytes() const { return bytes_; }
  uint64_t Uint64() const { return number_; }
  int64_t Int64() const { return static_cast<int64_t>(number_); }
  int64_t Sint64() const { return UnZigZag(number_); }
  /// As in every implementation, what is over 32 bits is cut off.
  uint32_t Uint32() const { return static_cast<uint32_t>(number_); }
  int32_t Sint32() const { return static_cast<int32_t>(UnZigZag(Uint32())); }
  double Double() const { return std::bit_cast<double>(number_); }

  /// The field as it is written, tag included.
  std::string_view field() const { return View(field_begin_, in_); }

 private:
  static std::string_view View(const char* begin, const char* end) {
    return {begin, static_cast<size_t>(end - begin)};
  }

  bool Malformed() {
    ok_ = false;
    in_ = end_;
    return false;
  }

  bool ReadVarint(uint64_t& value) {
    const char* after = ReadVarint(in_, end_, value);
    if (after == nullptr) return false;
    in_ = after;
    return true;
  }

  static const char* ReadVarint(const char* in, const char* end, uint64_t& value) {
    if (in < end && static_cast<uint8_t>(*in) < 0x80) {
      value = static_cast<uint8_t>(*in);
      return in + 1;
    }
    constexpr uint64_t kContinues = 0x8080808080808080;
    if (end - in < 8) return GetVarint(in, end, value);
    uint64_t word;
    std::memcpy(&word, in, sizeof word);
    const uint64_t stops = ~word & kContinues;
    if (stops == 0) return GetVarint(in, end, value);  // longer than eight bytes
    // All at once, in place of byte by byte: keep what is up to the last byte, close the gaps.
    const int bits = std::countr_zero(stops) + 1;
    value = JoinVarint(word & ~uint64_t{0} >> (64 - bits));
    return in + bits / 8;
  }

  template <typename T>
  bool ReadFixed() {
    if (static_cast<size_t>(end_ - in_) < sizeof(T)) return false;
    T value;
    std::memcpy(&value, in_, sizeof value);
    number_ = value;
    in_ += sizeof value;
    return true;
  }

  bool ReadBytes() {
    uint64_t size = 0;
    if (!ReadVarint(size) || size > static_cast<uint64_t>(end_ - in_)) return false;
    bytes_ = {in_, size};
    in_ += size;
    return true;
  }

  friend class PackedVarints;

  const char* in_;
  const char* end_;
  const char* field_begin_ = nullptr;
  bool ok_ = true;
  Tag tag_ = 0;
  uint64_t number_ = 0;
  std::string_view bytes_;
};

/// Walks a packed field of varints.
class PackedVarints {
 public:
  explicit PackedVarints(std::string_view bytes)
      : in_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  /// False at the end, and where the bytes are malformed, which ok() then tells.
  bool Next() {
    if (in_ == end_) return false;
    in_ = ProtobufReader::ReadVarint(in_, end_, value_);
    if (in_ != nullptr) return true;
    ok_ = false;
    in_ = end_;
    return false;
  }
  bool ok() const { return ok_; }
  uint64_t value() const { return value_; }

 private:
  const char* in_;
  const char* end_;
  bool ok_ = true;
  uint64_t value_ = 0;
};

}  // namespace barograph::server
