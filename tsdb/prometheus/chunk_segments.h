#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "tsdb/prometheus/samples.h"

namespace barograph::tsdb::prometheus {

/// The chunk files of a block, mapped. Thread-safe.
class ChunkSegments {
 public:
  /// All files of `folder`, whose headers are checked.
  static Result<ChunkSegments> Open(FileSystem& files, const std::string& folder);

  /// Adds the samples of the chunk that an index calls `reference`. Corruption when there is none,
  /// or it is broken; samples may have been added then.
  Status Read(uint64_t reference, SampleColumns& out) const;

 private:
  struct Segment {
    std::string path;
    std::unique_ptr<FileContents> contents;
  };
  std::string folder_;
  std::vector<Segment> segments_;
};

}  // namespace barograph::tsdb::prometheus
