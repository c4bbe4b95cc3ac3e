#include "tsdb/index/id_merge.h"

#include "tsdb/index/id_codec.h"

namespace barograph::tsdb::index {
namespace {

template <typename Operands>
bool AddAll(const Operands& operands, Roaring& set) {
  for (const rocksdb::Slice& operand : operands) {
    if (!DecodeIds(operand.ToStringView(), set)) return false;
  }
  return true;
}

}  // namespace

bool IdMerge::FullMergeV2(const MergeOperationInput& in, MergeOperationOutput* out) const {
  if (in.existing_value == nullptr && in.operand_list.size() == 1) {
    out->existing_operand = in.operand_list.front();
    return true;
  }
  Roaring set;
  if (in.existing_value != nullptr && !DecodeIds(in.existing_value->ToStringView(), set)) {
    return false;
  }
  if (!AddAll(in.operand_list, set)) return false;
  out->new_value = EncodeIds(set);
  return true;
}

bool IdMerge::PartialMergeMulti(const rocksdb::Slice&, const std::deque<rocksdb::Slice>& operands,
                                std::string* merged, rocksdb::Logger*) const {
  Roaring set;
  if (!AddAll(operands, set)) return false;
  *merged = EncodeIds(set);
  return true;
}

}  // namespace barograph::tsdb::index
