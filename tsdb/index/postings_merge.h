#pragma once

#include <rocksdb/merge_operator.h>

#include <cstdint>
#include <optional>
#include <roaring/roaring.hh>
#include <string>
#include <string_view>

namespace barograph::tsdb {

/// Roaring's portable serialisation; nullopt on bytes that are none.
std::string SerializeBitmap(const Roaring& bitmap);
std::optional<Roaring> ParseBitmap(std::string_view bytes);

/// Values are bitmaps; merging is union. Fails, and with it the read, on damaged operands.
class PostingsMerge : public rocksdb::AssociativeMergeOperator {
 public:
  bool Merge(const rocksdb::Slice& key, const rocksdb::Slice* existing,
             const rocksdb::Slice& operand, std::string* merged,
             rocksdb::Logger* logger) const override;
  const char* Name() const override { return "barograph.postings.union"; }
};

}  // namespace barograph::tsdb
