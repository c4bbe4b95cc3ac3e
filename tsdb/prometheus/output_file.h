#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/file_system.h"

namespace barograph::tsdb::prometheus {

/// A file that is written from front to back through a buffer. Not thread-safe.
class OutputFile {
 public:
  static Result<OutputFile> Create(FileSystem& files, std::string path);

  uint64_t offset() const { return offset_; }  ///< of the next byte
  const std::string& path() const { return path_; }

  Status Append(std::string_view bytes);

  /// Zeros up to the next multiple of `alignment`.
  Status Pad(uint64_t alignment);

  /// The section that Prometheus's index is made of: the size of the content in four bytes, what is
  /// appended until EndSection, which must be as long, and its checksum. LimitExceeded when the
  /// size does not fit.
  Status BeginSection(uint64_t content_bytes);
  Status EndSection();

  /// Writes and syncs what is left, and closes.
  Status Finish();

 private:
  OutputFile(std::unique_ptr<WritableFile> file, std::string path);
  Status Flush();

  std::unique_ptr<WritableFile> file_;
  std::string path_;
  std::string buffer_;
  uint64_t offset_ = 0;
  uint32_t crc_ = 0;  // of the open section
};

}  // namespace barograph::tsdb::prometheus
