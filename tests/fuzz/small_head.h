#pragma once

#include <string>
#include <string_view>

#include "tests/support/memory_file_system.h"
#include "tsdb/head/head.h"

/// What the fuzz targets of the storage's files share.
namespace barograph::tsdb::fuzz {

/// Aborts unless it holds.
void Expect(bool kept);

/// The files of a head that took a few rows, lone samples, a histogram, exemplars and a deletion:
/// wal/, head/ and exemplars/.
test::MemoryFileSystem& SmallHeadFiles();

/// Frames (docs/formats/wal.md) as an input tells them, with the checksums that they need: a type,
/// two bytes of length and a payload each. A type above 0xef stands for bytes as they are.
std::string ToFrames(std::string_view input, std::string_view magic, uint64_t segment);

/// The input that gives the frames of this file.
std::string FromFrames(std::string_view file, std::string_view magic, uint64_t segment);

/// Reads all that a head holds; checks what a cursor promises.
void ReadEverything(const Head& head);

}  // namespace barograph::tsdb::fuzz
