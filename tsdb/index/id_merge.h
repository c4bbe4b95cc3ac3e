#pragma once

#include <rocksdb/merge_operator.h>

#include <deque>
#include <string>

namespace barograph::tsdb::index {

/// Values are sets of ids (tsdb/index/id_codec.h); merging is union. Fails, and with it the read,
/// on damaged operands.
class IdMerge : public rocksdb::MergeOperator {
 public:
  bool FullMergeV2(const MergeOperationInput& in, MergeOperationOutput* out) const override;
  bool PartialMergeMulti(const rocksdb::Slice& key, const std::deque<rocksdb::Slice>& operands,
                         std::string* merged, rocksdb::Logger* logger) const override;
  const char* Name() const override { return "barograph.ids.union"; }
};

}  // namespace barograph::tsdb::index
