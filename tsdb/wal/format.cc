#include "tsdb/wal/format.h"

#include <fmt/format.h>

#include <charconv>
#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace barograph::tsdb::wal {
namespace {

// Header: marker u8, type u8, check u16, length u32, checksum u32; little-endian.
struct Header {
  uint8_t type = 0;
  uint32_t length = 0;
  uint16_t check = 0;
  uint32_t checksum = 0;
};

uint64_t SeedOf(Position at) { return at.segment * 0x9E3779B97F4A7C15 + at.offset; }

uint16_t CheckOf(const Header& header, Position at) {
  const uint64_t fields = uint64_t{header.length} << 8 | header.type;
  return static_cast<uint16_t>(XXH3_64bits_withSeed(&fields, sizeof(fields), SeedOf(at)));
}

uint32_t ChecksumOf(std::string_view payload, Position at) {
  return static_cast<uint32_t>(XXH3_64bits_withSeed(payload.data(), payload.size(), SeedOf(at)));
}

Header LoadHeader(const char* in) {
  Header header;
  header.type = static_cast<uint8_t>(in[1]);
  std::memcpy(&header.check, in + 2, 2);
  std::memcpy(&header.length, in + 4, 4);
  std::memcpy(&header.checksum, in + 8, 4);
  return header;
}

}  // namespace

void AppendFrame(std::string& out, const Record& record, Position at) {
  Header header;
  header.type = static_cast<uint8_t>(record.type);
  header.length = static_cast<uint32_t>(record.payload.size());
  header.check = CheckOf(header, at);
  header.checksum = ChecksumOf(record.payload, at);
  char bytes[kFrameHeaderBytes];
  bytes[0] = kFrameMarker;
  bytes[1] = static_cast<char>(header.type);
  std::memcpy(bytes + 2, &header.check, 2);
  std::memcpy(bytes + 4, &header.length, 4);
  std::memcpy(bytes + 8, &header.checksum, 4);
  out.append(bytes, kFrameHeaderBytes).append(record.payload);
}

std::optional<Record> ReadFrameUnchecked(std::string_view bytes, Position at) {
  if (bytes.size() < kFrameHeaderBytes || bytes[0] != kFrameMarker) return std::nullopt;
  const Header header = LoadHeader(bytes.data());
  if (header.length > bytes.size() - kFrameHeaderBytes || header.check != CheckOf(header, at)) {
    return std::nullopt;
  }
  return Record{static_cast<RecordType>(header.type),
                bytes.substr(kFrameHeaderBytes, header.length)};
}

std::optional<Record> ReadFrame(std::string_view bytes, Position at) {
  const auto record = ReadFrameUnchecked(bytes, at);
  if (!record || LoadHeader(bytes.data()).checksum != ChecksumOf(record->payload, at)) {
    return std::nullopt;
  }
  return record;
}

std::string SegmentName(uint64_t number) { return fmt::format("{:08}", number); }

std::optional<uint64_t> ParseSegmentName(std::string_view name) {
  uint64_t number;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  const bool whole = error == std::errc() && end == name.data() + name.size();
  return whole && name == SegmentName(number) ? std::optional(number) : std::nullopt;
}

}  // namespace barograph::tsdb::wal
