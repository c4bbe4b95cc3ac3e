#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/file_system.h"
#include "base/model/labels.h"
#include "base/model/sample.h"
#include "base/result.h"
#include "base/storage/queryable.h"
#include "tsdb/block/block_meta.h"
#include "tsdb/block/label_builder.h"

/// Writes one block. Extents go to the disk as they fill, so what is held is the directory (some
/// 12 bytes a series), the latest columns of timestamps and sets of labels, and one extent of each
/// kind.
///
/// Format: docs/formats/block.md.
namespace barograph::tsdb {

struct BlockWriterOptions {
  /// Values a run, and timestamps a piece of a column: what a read decodes at least.
  size_t run_rows = 480;

  // An extent is closed before the series that would find it at any of these, or at
  // `min_extent_samples` where the group changes.
  size_t min_extent_samples = 32 * 1024;
  size_t max_extent_samples = 128 * 1024;
  size_t max_extent_bytes = 256 * 1024;
  size_t max_extent_series = 1024;

  /// Extents of timestamps are small: what is lost with one is read by many series.
  size_t max_column_extent_bytes = 8 * 1024;

  /// zstd's level; 0 leaves every extent as it is. An extent is compressed where that saves at
  /// least `min_saving_percent`. Labels are few bytes and seldom read.
  int compression_level = 3;
  int label_compression_level = 9;
  unsigned min_saving_percent = 8;

  /// Columns of timestamps remembered for the series to come.
  size_t column_memory_bytes = size_t{32} << 20;

  LabelBuilder::Options labels = {};
};

/// One thread at a time. Ended without Finish, it removes what it wrote. After an error the only
/// thing to do is to end it.
class BlockWriter {
 public:
  /// Begins `<blocks_directory>/<ULID>.tmp`.
  static Result<std::unique_ptr<BlockWriter>> Create(FileSystem& files,
                                                     const std::string& blocks_directory,
                                                     BlockOrigin origin,
                                                     BlockWriterOptions options = {});
  ~BlockWriter();

  /// Adds all that the block will hold of a series; without samples, does nothing. Series may come
  /// in any order; in that of (metric name, labels) the block is smallest and read fastest.
  /// `samples.timestamp_column`: the same non-zero number always means the same timestamps, over
  /// all calls. InvalidArgument where timestamps do not ascend, or lie outside the window.
  Status Add(SeriesId id, const Labels& labels, const SeriesSamples& samples);

  /// Writes the rest, makes all durable, and only then gives the block its name: after a crash at
  /// any moment it is there as a whole or not at all. A block without samples is not kept: the
  /// meta then says so (stats.samples is 0). InvalidArgument where a series was added twice.
  /// Nothing can be called afterwards.
  Result<BlockMeta> Finish();

 private:
  class Impl;
  explicit BlockWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace barograph::tsdb
