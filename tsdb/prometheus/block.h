#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/model/labels.h"
#include "tsdb/prometheus/block_meta.h"
#include "tsdb/prometheus/chunk_segments.h"
#include "tsdb/prometheus/index_reader.h"
#include "tsdb/prometheus/samples.h"
#include "tsdb/prometheus/tombstones.h"

/// Reading Prometheus's blocks. Everything is checked: a broken byte is Corruption that names file
/// and offset. Formats: prometheus/tsdb/docs/format.
namespace barograph::tsdb::prometheus {

/// One series of a block, whole. Reuse one to save allocations.
struct BlockSeries {
  Labels labels;
  SampleColumns samples;
};

/// A block's folder, its files mapped: memory grows with the symbols' count / 8 and the tombstones,
/// not with series or samples. Thread-safe.
class Block {
 public:
  /// NotFound when meta.json, the index or the chunks are missing; no tombstones are none.
  static Result<std::unique_ptr<Block>> Open(FileSystem& files, const std::string& folder);

  const std::string& folder() const { return folder_; }
  const BlockMeta& meta() const { return meta_; }
  size_t series_count() const { return index_.series_count(); }

  /// Reads a series; they are in label order, from 0. Tombstones are applied, timestamps ascend; a
  /// series that was deleted whole has no samples. After an error `out` has the labels if those
  /// could be read, and the samples of the chunks before the broken one; other series can be read
  /// all the same. Precondition: index < series_count().
  Status Read(size_t index, BlockSeries& out) const;

 private:
  Block(std::string folder, BlockMeta meta, IndexReader index, ChunkSegments chunks,
        Tombstones tombstones);

  const std::string folder_;
  const BlockMeta meta_;
  const IndexReader index_;
  const ChunkSegments chunks_;
  const Tombstones tombstones_;
};

/// A block of a data directory, by its meta.json only.
struct FoundBlock {
  std::string folder;
  BlockMeta meta;
};

/// What a data directory holds in the way of blocks, oldest first. Blocks that another one replaces
/// are left out. A folder that is named like a block, but has no meta.json that can be read, is in
/// `broken`.
struct BlockList {
  std::vector<FoundBlock> blocks;
  std::vector<Error> broken;
};

Result<BlockList> ListBlocks(FileSystem& files, const std::string& directory);

}  // namespace barograph::tsdb::prometheus
