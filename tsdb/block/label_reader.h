#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>

#include "base/model/labels.h"
#include "base/model/sample.h"
#include "base/result.h"
#include "tsdb/block/block.h"

namespace barograph::tsdb {

/// Reads the labels of a block's series, quickest in the order of positions. Not what queries ask,
/// which is the index: this is what the index can be made anew from. One thread at a time. Keeps
/// the block alive. Memory: at most 5 MB, but for sets of labels that are huge.
class LabelReader {
 public:
  explicit LabelReader(std::shared_ptr<const Block> block);
  ~LabelReader();
  LabelReader(LabelReader&&) noexcept;
  LabelReader& operator=(LabelReader&&) noexcept;

  /// The labels of the series that stands at `position` (Block::PositionOf), which is below the
  /// number of series. Corruption names file and offset, and concerns only what lies in that
  /// extent: the reader stays usable.
  Result<Labels> At(uint64_t position);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace barograph::tsdb
