#include "tsdb/index/postings_merge.h"

#include <exception>

namespace barograph::tsdb {

std::string SerializeBitmap(const Roaring& bitmap) {
  std::string bytes(bitmap.getSizeInBytes(), '\0');
  bitmap.write(bytes.data());
  return bytes;
}

std::optional<Roaring> ParseBitmap(std::string_view bytes) {
  try {
    return Roaring::readSafe(bytes.data(), bytes.size());
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

bool PostingsMerge::Merge(const rocksdb::Slice&, const rocksdb::Slice* existing,
                          const rocksdb::Slice& operand, std::string* merged,
                          rocksdb::Logger*) const {
  std::optional<Roaring> added = ParseBitmap(operand.ToStringView());
  if (!added) return false;
  if (existing != nullptr) {
    const std::optional<Roaring> before = ParseBitmap(existing->ToStringView());
    if (!before) return false;
    *added |= *before;
  }
  *merged = SerializeBitmap(*added);
  return true;
}

}  // namespace barograph::tsdb
