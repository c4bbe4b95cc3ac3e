#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

/// Unsigned integers of one width, side by side without gaps: value i takes the bits
/// [i * width, (i + 1) * width) of a little-endian bit string. Stateless, thread-safe.
namespace barograph::tsdb {

/// The values that are packed with one width.
inline constexpr size_t kBlockSize = 128;

/// Some implementations may read this many bytes after those of the values they were asked for.
inline constexpr size_t kUnpackSlack = 80;

/// Unpack handles values by the group: it fills `out` up to a multiple of this.
inline constexpr size_t kUnpackGroup = 8;

constexpr size_t PackedBytes(size_t count, unsigned width) { return (count * width + 7) / 8; }

/// Appends PackedBytes(count, width) bytes. Bits of a value above `width` (0..64) are ignored.
void AppendPacked(const uint64_t* values, size_t count, unsigned width, std::string& out);

/// Reads `count` (up to kBlockSize) values of `width` bits (0..64), and adds `addend` to each. The
/// packed bytes, from `in` on, end at `end` or before; `out` has room for `count` rounded up to
/// kUnpackGroup. Uses what the processor offers; every implementation gives the same.
void Unpack(const char* in, const char* end, size_t count, unsigned width, uint64_t addend,
            uint64_t* out);

/// Whether the processor, and the build, have AVX2. Asked once.
bool HasAvx2();

/// The same of AVX-512 with the parts F, DQ, BW, VL and VBMI.
bool HasAvx512();

/// The implementations behind Unpack, for tests and benchmarks. For the first two there are
/// kUnpackSlack readable bytes after the packed ones. Avx2 and Avx512 only where HasAvx2() and
/// HasAvx512().
void UnpackPortable(const char* in, size_t count, unsigned width, uint64_t addend, uint64_t* out);
void UnpackAvx2(const char* in, size_t count, unsigned width, uint64_t addend, uint64_t* out);
void UnpackAvx512(const char* in, const char* end, size_t count, unsigned width, uint64_t addend,
                  uint64_t* out);

}  // namespace barograph::tsdb
