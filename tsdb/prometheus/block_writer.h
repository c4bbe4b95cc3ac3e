#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/file_system.h"
#include "base/model/labels.h"
#include "tsdb/prometheus/block_meta.h"
#include "tsdb/prometheus/chunk_writer.h"
#include "tsdb/prometheus/index_writer.h"
#include "tsdb/prometheus/samples.h"

namespace barograph::tsdb::prometheus {

struct BlockWriterOptions {
  std::string directory;  ///< the data directory; the block is a folder in it
  Ulid ulid;              ///< the block's name
  Timestamp min_time;     ///< the block's range; Prometheus aligns it to hours
  Timestamp max_time;     ///< exclusive
  uint64_t max_segment_bytes = uint64_t{512} << 20;  ///< of a chunk file
};

/// Writes one block that Prometheus and promtool read: level 1, no tombstones, index version 2,
/// chunks of XOR floats and native histograms (tsdb/prometheus/chunk.h). The block appears under
/// its name only when it is whole and durable. Memory: tsdb/prometheus/index_writer.h. Not
/// thread-safe.
class BlockWriter {
 public:
  /// Begins in `directory`/`ulid`.tmp-for-creation, which Prometheus clears away when it starts.
  static Result<std::unique_ptr<BlockWriter>> Create(FileSystem& files, BlockWriterOptions options);

  /// Removes what was not finished.
  ~BlockWriter();

  /// Adds a series; without samples it is left out. InvalidArgument when labels do not ascend
  /// strictly from call to call, timestamps within the series do not, or a sample is outside the
  /// block's range: the block can go on without the series.
  Status Add(const Labels& labels, const SampleColumns& samples);

  /// Makes the block; nullopt, and no block, when no series has samples. Call once, and nothing
  /// afterwards.
  Result<std::optional<BlockMeta>> Finish();

 private:
  BlockWriter(FileSystem& files, BlockWriterOptions options, std::string folder, IndexWriter index);
  Status Check(const Labels& labels, const SampleColumns& samples) const;
  Status WriteRest();

  FileSystem& files_;
  const BlockWriterOptions options_;
  const std::string folder_;  // until it is finished
  ChunkWriter chunks_;
  IndexWriter index_;
  BlockMeta meta_;
  Labels last_;
  bool finished_ = false;
};

}  // namespace barograph::tsdb::prometheus
