#include "tsdb/chunk/residual_reader.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/bytes/varint.h"
#include "tsdb/chunk/expand.h"
#include "tsdb/chunk/little_endian.h"

namespace barograph::tsdb {

ResidualReader::ResidualReader(RunKind kind, std::string_view stream, size_t count)
    : kind_(kind), in_(stream.data()), end_(in_ + stream.size()) {
  if (kind == RunKind::kSparse) {
    valid_ = ReadChange();
  } else if (kind == RunKind::kDictionary) {
    valid_ = ReadEntries();
  } else if (kind == RunKind::kBitmap) {
    const size_t bytes = (count + 7) / 8;
    valid_ = stream.size() >= bytes;
    if (!valid_) return;
    bitmap_ = in_;
    in_ += bytes;
    for (size_t i = 0; i < bytes; ++i) {
      nonzero_left_ += static_cast<size_t>(std::popcount(static_cast<uint8_t>(bitmap_[i])));
    }
  }
}

bool ResidualReader::Read(uint64_t* out, size_t count) {
  if (!valid_) return false;
  switch (kind_) {
    case RunKind::kConstant: return false;
    case RunKind::kSparse: return ReadSparse(out, count);
    case RunKind::kBitmap: return ReadBitmap(out, count);
    case RunKind::kPacked: break;
    case RunKind::kDictionary: return ReadDictionary(out, count);
  }
  in_ = ReadBlock(in_, end_, count, out);
  return valid_ = in_ != nullptr;
}

bool ResidualReader::AtEnd() const {
  return valid_ && in_ == end_ && !has_change_ && nonzero_left_ == 0 &&
         buffer_begin_ == buffer_end_;
}

// --- sparse ---

bool ResidualReader::ReadChange() {
  has_change_ = in_ != end_;
  if (!has_change_) return true;
  uint64_t gap = 0;
  in_ = GetVarint(in_, end_, gap);
  if (in_ == nullptr || gap > UINT32_MAX) return false;
  in_ = GetVarint(in_, end_, change_);
  if (in_ == nullptr) return false;
  change_ = static_cast<uint64_t>(UnZigZag(change_));
  change_position_ += gap;
  return true;
}

bool ResidualReader::ReadSparse(uint64_t* out, size_t count) {
  std::fill_n(out, count, 0);
  while (has_change_ && change_position_ < position_ + count) {
    out[change_position_ - position_] = change_;
    ++change_position_;
    if (!(valid_ = ReadChange())) return false;
  }
  position_ += count;
  return true;
}

// --- bitmap ---

bool ResidualReader::BufferNonzero(size_t wanted) {
  while (buffer_end_ - buffer_begin_ < wanted) {
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(buffer_begin_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(buffer_end_), buffer_.begin());
    buffer_end_ -= buffer_begin_;
    buffer_begin_ = 0;
    const size_t count = std::min(kBlockSize, nonzero_left_);
    if (count == 0) return false;
    in_ = ReadBlock(in_, end_, count, buffer_.data() + buffer_end_);
    if (in_ == nullptr) return false;
    buffer_end_ += count;
    nonzero_left_ -= count;
  }
  return true;
}

bool ResidualReader::ReadBitmap(uint64_t* out, size_t count) {
  std::array<char, kBlockSize / 8> bytes{};
  std::memcpy(bytes.data(), bitmap_, (count + 7) / 8);
  bitmap_ += (count + 7) / 8;
  std::array<uint64_t, kBlockSize / 64> bits;
  size_t set = 0;
  for (size_t i = 0; i < bits.size(); ++i) {
    bits[i] = LoadLittleEndian64(bytes.data() + 8 * i);
    set += static_cast<size_t>(std::popcount(bits[i]));
  }
  if (!(valid_ = BufferNonzero(set))) return false;
  const uint64_t* const begin = buffer_.data() + buffer_begin_;
  // Bits after the last residual were counted as set: they find nothing to use them up.
  if (count % 64 != 0) bits[count / 64] &= ~uint64_t{0} >> (64 - count % 64);
  buffer_begin_ += static_cast<size_t>(Expand(bits.data(), count, begin, out) - begin);
  return true;
}

// --- dictionary ---

bool ResidualReader::ReadEntries() {
  uint64_t count = 0;
  in_ = GetVarint(in_, end_, count);
  if (in_ == nullptr || count == 0 || count > kMaxDictionaryEntries) return false;
  entry_count_ = count;
  for (size_t i = 0; i < entry_count_; ++i) {
    in_ = GetVarint(in_, end_, entries_[i]);
    if (in_ == nullptr) return false;
    entries_[i] = static_cast<uint64_t>(UnZigZag(entries_[i]));
  }
  return true;
}

bool ResidualReader::ReadDictionary(uint64_t* out, size_t count) {
  in_ = ReadBlock(in_, end_, count, out);
  if (in_ == nullptr) return valid_ = false;
  for (size_t i = 0; i < count; ++i) {
    if (out[i] >= entry_count_) return valid_ = false;
    out[i] = entries_[out[i]];
  }
  return true;
}

}  // namespace barograph::tsdb
