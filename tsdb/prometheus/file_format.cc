#include "tsdb/prometheus/file_format.h"

#include <fmt/format.h>

#include "base/bytes/big_endian.h"
#include "base/bytes/crc32c.h"

namespace barograph::tsdb::prometheus {

std::unexpected<Error> Corrupt(std::string_view path, uint64_t offset, std::string_view what) {
  return Fail(ErrorCode::kCorruption, fmt::format("{}: at byte {}: {}", path, offset, what));
}

Status CheckSegmentHeader(std::string_view bytes, uint32_t magic, std::string_view path) {
  if (bytes.size() < kSegmentHeaderBytes) return Corrupt(path, 0, "the header is not whole");
  if (LoadBigEndian<uint32_t>(bytes.data()) != magic) {
    return Corrupt(path, 0, "the magic number is not that of a chunk file");
  }
  if (bytes[4] != 1) return Corrupt(path, 4, "the version is not 1");
  return {};
}

bool ChecksumMatches(std::string_view bytes, std::string_view stored) {
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
  static_cast<void>(bytes);
  return stored.size() == kCrcBytes;  // a fuzzer would not get past a checksum
#else
  return stored.size() == kCrcBytes && LoadBigEndian<uint32_t>(stored.data()) == Crc32c(bytes);
#endif
}

}  // namespace barograph::tsdb::prometheus
