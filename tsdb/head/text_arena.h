#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "base/bytes/varint.h"

namespace barograph::tsdb {

/// Keeps many short strings for ever, a length byte or two over their own size each, and names
/// them by 32 bits. They never move. Not thread-safe; At may run beside At.
class TextArena {
 public:
  using Place = uint32_t;

  /// Precondition: !full().
  Place Store(std::string_view text) {
    char size[kMaxVarintBytes];
    const auto size_bytes = static_cast<size_t>(PutVarint(size, text.size()) - size);
    const size_t bytes = size_bytes + text.size();
    if (used_ + bytes > kBlockBytes) {
      // A text too long for a block gets one of its own.
      blocks_.push_back(std::make_unique_for_overwrite<char[]>(std::max(bytes, kBlockBytes)));
      used_ = 0;
    }
    const size_t place = (blocks_.size() - 1) * kBlockBytes + used_;
    char* out = blocks_.back().get() + used_;
    std::memcpy(out, size, size_bytes);
    if (!text.empty()) std::memcpy(out + size_bytes, text.data(), text.size());
    used_ += bytes;
    return static_cast<Place>(place);
  }

  std::string_view At(Place place) const {
    const char* in = blocks_[place / kBlockBytes].get() + place % kBlockBytes;
    uint64_t size = 0;
    in = GetVarint(in, in + kMaxVarintBytes, size);
    return {in, size};
  }

  /// Leaves room for one more label set of any size that is accepted.
  bool full() const { return blocks_.size() + kSpareBlocks >= kMaxBlocks; }

 private:
  static constexpr size_t kBlockBytes = size_t{64} << 10;
  static constexpr size_t kMaxBlocks = (size_t{1} << 32) / kBlockBytes;
  static constexpr size_t kSpareBlocks = 4096;

  std::vector<std::unique_ptr<char[]>> blocks_;
  size_t used_ = kBlockBytes;
};

}  // namespace barograph::tsdb
