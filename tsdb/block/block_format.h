#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

/// The bytes that the writer and the reader of blocks share. docs/formats/block.md explains them.
namespace barograph::tsdb {

inline constexpr std::string_view kBlockMagic = "BAROBLK2";
inline constexpr std::string_view kBlockMagicOfAll = "BAROBLK";  ///< then the version, one digit

// What a block may hold: a reader takes nothing that is larger, so that foreign bytes cannot make
// it ask for memory without end.
inline constexpr size_t kMaxExtentBytes = size_t{256} << 20;  ///< inflated
inline constexpr size_t kMaxExtentItems = size_t{1} << 20;    ///< series, columns or sets an extent
inline constexpr uint64_t kMaxColumnRows = uint64_t{1} << 26;
inline constexpr uint64_t kMaxBlockSeries = uint64_t{1} << 30;

/// Series a piece of the directory.
inline constexpr size_t kDirectoryPiece = 128;
inline constexpr size_t kDirectoryIndexBytes = 12;  ///< u64 first id, u32 offset

enum class ExtentKind : uint8_t { kColumns = 0, kSamples = 1, kLabelSets = 2, kLabels = 3 };
inline constexpr size_t kExtentKinds = 4;
inline constexpr uint8_t kExtentKindMask = 0x03;
inline constexpr uint8_t kExtentIsCompressed = 0x04;

/// What a column of timestamps is made of: the low bits of its first varint.
enum class ColumnKind : uint8_t {
  kOwn = 0,   ///< timestamps of its own
  kPart = 1,  ///< successive rows of another
  kPick = 2,  ///< some rows of another
};
inline constexpr unsigned kColumnKindBits = 2;
inline constexpr uint64_t kColumnKindMask = 3;

/// XXH3-64, seeded with where the bytes stand in their file, so that bytes in a wrong place are
/// not taken for right.
uint64_t BlockChecksum(std::string_view bytes, uint64_t offset);

void AppendFixed64(std::string& out, uint64_t value);
void AppendFixed32(std::string& out, uint32_t value);
uint64_t LoadFixed64(const char* from);
uint32_t LoadFixed32(const char* from);

/// The end of a data file.
struct BlockFooter {
  uint64_t directory_offset = 0;
  uint64_t directory_checksum = 0;
  uint64_t meta_checksum = 0;  ///< of meta.json, as if it stood at 0
};
inline constexpr size_t kBlockFooterBytes = 32;

/// Appends the footer that will stand at `offset`.
void AppendFooter(std::string& out, const BlockFooter& footer, uint64_t offset);

/// The footer of a data file; nullopt where none that is whole is at its end.
std::optional<BlockFooter> ReadFooter(std::string_view file);

/// Corruption at `offset` of `path`.
std::unexpected<Error> BlockCorruption(std::string_view path, uint64_t offset,
                                       std::string_view what);

}  // namespace barograph::tsdb
