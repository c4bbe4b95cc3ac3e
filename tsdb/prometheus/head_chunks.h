#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tsdb/prometheus/chunk.h"

namespace barograph::tsdb::prometheus {

/// A chunk of a series in the head.
struct HeadChunk {
  uint64_t series = 0;
  Timestamp max_time;
  bool out_of_order = false;
  ChunkEncoding encoding = ChunkEncoding::kXor;
  std::string_view data;
  uint64_t offset = 0;  ///< in its file
};

/// Reads one file of chunks_head/ (prometheus/tsdb/docs/format/head_chunks.md). Not thread-safe.
class HeadChunkReader {
 public:
  /// Both must outlive the reader. Corruption when the header is not one.
  static Result<HeadChunkReader> Open(std::string_view bytes, std::string_view path);

  /// The next chunk; nullopt at the end, which zeros may fill up. After Corruption there is no
  /// next: nothing tells where it would begin.
  Result<std::optional<HeadChunk>> Next();

 private:
  HeadChunkReader(std::string_view bytes, std::string_view path) : bytes_(bytes), path_(path) {}

  std::string_view bytes_;
  std::string_view path_;
  size_t position_ = 0;
};

}  // namespace barograph::tsdb::prometheus
