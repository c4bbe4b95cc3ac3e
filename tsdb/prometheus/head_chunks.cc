#include "tsdb/prometheus/head_chunks.h"

#include "base/bytes/byte_reader.h"
#include "tsdb/prometheus/file_format.h"

namespace barograph::tsdb::prometheus {
namespace {

constexpr uint8_t kOutOfOrder = 0x80;  // in the byte of the encoding

}  // namespace

Result<HeadChunkReader> HeadChunkReader::Open(std::string_view bytes, std::string_view path) {
  TRY(CheckSegmentHeader(bytes, kHeadChunksMagic, path));
  HeadChunkReader reader(bytes, path);
  reader.position_ = kSegmentHeaderBytes;
  return reader;
}

Result<std::optional<HeadChunk>> HeadChunkReader::Next() {
  const std::string_view rest = bytes_.substr(position_);
  if (rest.find_first_not_of('\0') == std::string_view::npos) return std::nullopt;
  ByteReader in(rest);
  HeadChunk chunk;
  chunk.offset = position_;
  chunk.series = in.Fixed<uint64_t>();
  in.Fixed<uint64_t>();  // the time of the first sample
  chunk.max_time = FromMs(static_cast<int64_t>(in.Fixed<uint64_t>()));
  const uint8_t encoding = in.Byte();
  chunk.out_of_order = (encoding & kOutOfOrder) != 0;
  chunk.encoding = static_cast<ChunkEncoding>(encoding & ~kOutOfOrder);
  chunk.data = in.Text();
  const std::string_view checked = rest.substr(0, rest.size() - in.left());
  const std::string_view stored = in.Bytes(kCrcBytes);
  position_ = bytes_.size();  // unless it is whole
  if (!in.ok()) return Corrupt(path_, chunk.offset, "the chunk goes on behind the file's end");
  if (!ChecksumMatches(checked, stored)) {
    return Corrupt(path_, chunk.offset, "the chunk's checksum does not match");
  }
  position_ = bytes_.size() - in.left();
  return chunk;
}

}  // namespace barograph::tsdb::prometheus
