#include "tsdb/block/block_format.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>

#include "tsdb/chunk/little_endian.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace barograph::tsdb {

uint64_t BlockChecksum(std::string_view bytes, uint64_t offset) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), offset);
}

void AppendFixed64(std::string& out, uint64_t value) {
  char bytes[8];
  StoreLittleEndian64(bytes, value);
  out.append(bytes, sizeof(bytes));
}

void AppendFixed32(std::string& out, uint32_t value) {
  char bytes[8];
  StoreLittleEndian64(bytes, value);
  out.append(bytes, 4);
}

uint64_t LoadFixed64(const char* from) { return LoadLittleEndian64(from); }

uint32_t LoadFixed32(const char* from) {
  uint32_t word;
  std::memcpy(&word, from, sizeof(word));
  return std::endian::native == std::endian::little ? word : __builtin_bswap32(word);
}

void AppendFooter(std::string& out, const BlockFooter& footer, uint64_t offset) {
  const size_t begin = out.size();
  AppendFixed64(out, footer.directory_offset);
  AppendFixed64(out, footer.directory_checksum);
  AppendFixed64(out, footer.meta_checksum);
  AppendFixed64(out, BlockChecksum(std::string_view(out).substr(begin), offset));
}

std::optional<BlockFooter> ReadFooter(std::string_view file) {
  if (file.size() < kBlockMagic.size() + kBlockFooterBytes) return std::nullopt;
  const uint64_t offset = file.size() - kBlockFooterBytes;
  const char* const in = file.data() + offset;
  const std::string_view fields = file.substr(offset, kBlockFooterBytes - 8);
  if (LoadFixed64(in + fields.size()) != BlockChecksum(fields, offset)) return std::nullopt;
  BlockFooter footer;
  footer.directory_offset = LoadFixed64(in);
  footer.directory_checksum = LoadFixed64(in + 8);
  footer.meta_checksum = LoadFixed64(in + 16);
  if (footer.directory_offset < kBlockMagic.size() || footer.directory_offset > offset) {
    return std::nullopt;
  }
  return footer;
}

std::unexpected<Error> BlockCorruption(std::string_view path, uint64_t offset,
                                       std::string_view what) {
  return Fail(ErrorCode::kCorruption, fmt::format("{} at {}: {}", path, offset, what));
}

}  // namespace barograph::tsdb
