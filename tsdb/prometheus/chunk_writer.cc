#include "tsdb/prometheus/chunk_writer.h"

#include <fmt/format.h>

#include <utility>

#include "base/bytes/big_endian.h"
#include "base/bytes/crc32c.h"
#include "base/bytes/varint.h"
#include "tsdb/prometheus/file_format.h"

namespace barograph::tsdb::prometheus {

ChunkWriter::ChunkWriter(FileSystem& files, std::string folder, uint64_t max_segment_bytes)
    : files_(files), folder_(std::move(folder)), max_segment_bytes_(max_segment_bytes) {}

Result<uint64_t> ChunkWriter::Write(const EncodedChunk& chunk) {
  entry_.clear();
  AppendVarint(entry_, chunk.data.size());
  const size_t checked = entry_.size();
  entry_.push_back(static_cast<char>(chunk.encoding));
  entry_.append(chunk.data);
  AppendBigEndian(entry_, Crc32c(std::string_view(entry_).substr(checked)));
  const bool full = segment_ && segment_->offset() > kSegmentHeaderBytes &&
                    segment_->offset() + entry_.size() > max_segment_bytes_;
  if (!segment_ || full) TRY(BeginSegment());
  const uint64_t reference = ((segments_ - 1) << 32) | segment_->offset();
  TRY(segment_->Append(entry_));
  return reference;
}

Status ChunkWriter::BeginSegment() {
  if (segment_) TRY(segment_->Finish());
  ++segments_;
  segment_ = TRY(OutputFile::Create(files_, fmt::format("{}/{:06}", folder_, segments_)));
  std::string header;
  AppendBigEndian(header, kChunksMagic);
  header.push_back(1);
  header.resize(kSegmentHeaderBytes);
  return segment_->Append(header);
}

Status ChunkWriter::Finish() {
  if (segment_) TRY(segment_->Finish());
  return files_.SyncDirectory(folder_);
}

}  // namespace barograph::tsdb::prometheus
