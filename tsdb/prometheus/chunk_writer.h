#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/file_system.h"
#include "tsdb/prometheus/chunk.h"
#include "tsdb/prometheus/output_file.h"

namespace barograph::tsdb::prometheus {

/// Writes the chunk files of a block. Not thread-safe.
class ChunkWriter {
 public:
  /// `folder` must exist. A file gets no longer than `max_segment_bytes`, unless by one chunk.
  ChunkWriter(FileSystem& files, std::string folder, uint64_t max_segment_bytes);

  /// The reference by which an index names the chunk.
  Result<uint64_t> Write(const EncodedChunk& chunk);

  /// Makes everything durable, the names too.
  Status Finish();

 private:
  Status BeginSegment();

  FileSystem& files_;
  const std::string folder_;
  const uint64_t max_segment_bytes_;
  std::optional<OutputFile> segment_;
  uint64_t segments_ = 0;
  std::string entry_;
};

}  // namespace barograph::tsdb::prometheus
