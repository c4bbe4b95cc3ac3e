#include "tsdb/prometheus/chunk_segments.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes/byte_reader.h"
#include "tsdb/prometheus/chunk.h"
#include "tsdb/prometheus/file_format.h"

namespace barograph::tsdb::prometheus {
namespace {

bool IsSegmentName(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) { return '0' <= c && c <= '9'; });
}

}  // namespace

Result<ChunkSegments> ChunkSegments::Open(FileSystem& files, const std::string& folder) {
  ChunkSegments segments;
  segments.folder_ = folder;
  for (const DirectoryEntry& entry : TRY(files.List(folder))) {
    if (entry.is_directory || !IsSegmentName(entry.name)) continue;
    std::string path = folder + "/" + entry.name;
    auto contents = TRY(files.Map(path));
    TRY(CheckSegmentHeader(contents->bytes(), kChunksMagic, path));
    segments.segments_.push_back({std::move(path), std::move(contents)});
  }
  return segments;
}

Status ChunkSegments::Read(uint64_t reference, SampleColumns& out) const {
  const uint64_t number = reference >> 32;
  const uint64_t offset = reference & 0xffffffff;
  if (number >= segments_.size()) {
    return Corrupt(
        folder_, 0,
        fmt::format("the index names chunk file {}, of {}", number + 1, segments_.size()));
  }
  const Segment& segment = segments_[number];
  const std::string_view bytes = segment.contents->bytes();
  if (offset < kSegmentHeaderBytes || offset >= bytes.size()) {
    return Corrupt(segment.path, offset, "no chunk, but the index names one");
  }
  ByteReader in(bytes.substr(offset));
  const uint64_t size = in.Uvarint();
  const std::string_view checked = in.rest();
  const auto encoding = static_cast<ChunkEncoding>(in.Byte());
  const std::string_view data = in.Bytes(size);
  const std::string_view stored = in.Bytes(kCrcBytes);
  if (!in.ok()) return Corrupt(segment.path, offset, "the chunk goes on behind the file's end");
  if (!ChecksumMatches(checked.substr(0, 1 + data.size()), stored)) {
    return Corrupt(segment.path, offset, "the chunk's checksum does not match");
  }
  const Status decoded = DecodeChunk(encoding, data, out);
  if (!decoded.has_value()) return Corrupt(segment.path, offset, decoded.error().message);
  return {};
}

}  // namespace barograph::tsdb::prometheus
