#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

/// What the files of a Prometheus data directory have in common: a magic number, a version, and
/// CRC-32C everywhere. Their formats are in prometheus/tsdb/docs/format; big-endian.
namespace barograph::tsdb::prometheus {

inline constexpr uint32_t kIndexMagic = 0xbaaad700;
inline constexpr uint32_t kChunksMagic = 0x85bd40dd;
inline constexpr uint32_t kHeadChunksMagic = 0x0130bc91;
inline constexpr uint32_t kTombstonesMagic = 0x0130ba30;

inline constexpr std::string_view kIndexFile = "index";
inline constexpr std::string_view kMetaFile = "meta.json";
inline constexpr std::string_view kTombstonesFile = "tombstones";
inline constexpr std::string_view kChunksFolder = "chunks";

inline constexpr size_t kCrcBytes = 4;
inline constexpr size_t kSegmentHeaderBytes = 8;  // of both kinds of chunk files

/// Corruption that names the place: "data/01H.../index: at byte 1234: checksum mismatch".
std::unexpected<Error> Corrupt(std::string_view path, uint64_t offset, std::string_view what);

/// Checks a chunk file's magic number and version 1.
Status CheckSegmentHeader(std::string_view bytes, uint32_t magic, std::string_view path);

/// Whether the four bytes of `stored` are the checksum of `bytes`.
bool ChecksumMatches(std::string_view bytes, std::string_view stored);

}  // namespace barograph::tsdb::prometheus
