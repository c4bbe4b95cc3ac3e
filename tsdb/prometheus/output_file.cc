#include "tsdb/prometheus/output_file.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "base/bytes/big_endian.h"
#include "base/bytes/crc32c.h"

namespace barograph::tsdb::prometheus {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;

}  // namespace

OutputFile::OutputFile(std::unique_ptr<WritableFile> file, std::string path)
    : file_(std::move(file)), path_(std::move(path)) {}

Result<OutputFile> OutputFile::Create(FileSystem& files, std::string path) {
  auto file = TRY(files.OpenWritable(path, OpenMode::kCreate));
  return OutputFile(std::move(file), std::move(path));
}

Status OutputFile::Append(std::string_view bytes) {
  buffer_.append(bytes);
  offset_ += bytes.size();
  crc_ = Crc32c(bytes, crc_);
  return buffer_.size() < kBufferBytes ? Status() : Flush();
}

Status OutputFile::Pad(uint64_t alignment) {
  const uint64_t over = offset_ % alignment;
  return over == 0 ? Status() : Append(std::string(alignment - over, '\0'));
}

Status OutputFile::BeginSection(uint64_t content_bytes) {
  if (content_bytes > std::numeric_limits<uint32_t>::max()) {
    return Fail(ErrorCode::kLimitExceeded,
                fmt::format("{}: a section of {} bytes; the format has room for 4 GiB", path_,
                            content_bytes));
  }
  std::string size;
  AppendBigEndian(size, static_cast<uint32_t>(content_bytes));
  TRY(Append(size));
  crc_ = 0;
  return {};
}

Status OutputFile::EndSection() {
  std::string crc;
  AppendBigEndian(crc, crc_);
  return Append(crc);
}

Status OutputFile::Finish() {
  TRY(Flush());
  TRY(file_->Sync());
  return file_->Close();
}

Status OutputFile::Flush() {
  TRY(file_->Append(buffer_));
  buffer_.clear();
  return {};
}

}  // namespace barograph::tsdb::prometheus
