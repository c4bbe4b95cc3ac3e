#pragma once

#include <cstddef>
#include <cstdint>

/// Integers of which most are zero, as bits that tell where the others stand, and these.
namespace barograph::tsdb {

/// Expand may read, and write, so many integers after those it was asked for.
inline constexpr size_t kExpandSlack = 4;

/// Writes `count` integers: out[i] is the next of `nonzero` where bit i of `bits` (from the lowest
/// of bits[0] on) is 1, else 0. Returns what follows the last one used. There is a word of bits for
/// each 64 begun; those from `count` on are 0. `nonzero` and `out` have kExpandSlack more. Uses
/// what the processor offers; every implementation gives the same.
const uint64_t* Expand(const uint64_t* bits, size_t count, const uint64_t* nonzero, uint64_t* out);

/// The implementations behind Expand, for tests. Avx2 only where HasAvx2().
const uint64_t* ExpandPortable(const uint64_t* bits, size_t count, const uint64_t* nonzero,
                               uint64_t* out);
const uint64_t* ExpandAvx2(const uint64_t* bits, size_t count, const uint64_t* nonzero,
                           uint64_t* out);

}  // namespace barograph::tsdb
