#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/model/sample.h"
#include "base/result.h"
#include "tsdb/block/block_meta.h"
#include "tsdb/block/block_tombstones.h"

namespace barograph::tsdb {

class BlockData;

/// An immutable block of samples, mapped. Thread-safe; samples are read through a BlockReader
/// (block_reader.h), labels through a LabelReader (label_reader.h), one a thread.
///
/// Format: docs/formats/block.md.
class Block {
 public:
  /// Maps the block and checks all but the samples: meta.json, the directory, tombstones.
  /// Extents are checked when they are first read. Corruption names file and offset;
  /// InvalidArgument where the block is of another version of the format.
  static Result<std::shared_ptr<const Block>> Open(FileSystem& files, const std::string& path);

  const std::string& path() const { return path_; }
  const BlockMeta& meta() const { return meta_; }
  const BlockTombstones& tombstones() const { return tombstones_; }

  /// Everything in the folder, tombstones included.
  uint64_t disk_bytes() const { return disk_bytes_; }

  bool Contains(SeriesId id) const { return PositionOf(id).has_value(); }

  /// Where the series stands in the file, from 0 without gaps. Reads are fastest in this order.
  std::optional<uint64_t> PositionOf(SeriesId id) const;

  /// The lowest id of a series above `id`.
  std::optional<SeriesId> FirstIdAbove(SeriesId id) const;

  /// The ids of the series, ascending.
  Result<std::vector<SeriesId>> Ids() const;

  /// Everything that has a position: series, and the streams of their start timestamps
  /// (tsdb/start_stream.h).
  Result<std::vector<SeriesId>> IdsByPosition() const;

  /// The file behind it, for this folder.
  const BlockData& data() const { return *data_; }

  /// Durably deletes more, and returns the block as it is then; this one stays as it is, for those
  /// who read it. One call at a time a block. After an error what is on the disk is unchanged.
  Result<std::shared_ptr<const Block>> AddTombstones(FileSystem& files,
                                                     const BlockTombstones& added) const;

 private:
  Block() = default;

  std::string path_;
  BlockMeta meta_;
  BlockTombstones tombstones_;
  uint64_t disk_bytes_ = 0;
  std::shared_ptr<const BlockData> data_;
};

}  // namespace barograph::tsdb
