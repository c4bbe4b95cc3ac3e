#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tsdb/chunk/bit_packing.h"

/// Patched frame of reference (PFOR): integers in blocks of up to kBlockSize, each as its distance
/// from the block's reference in the block's width. Those that lie outside that window have a high
/// part, so that one counter reset or one spike does not widen the rest: a few are listed as
/// exceptions, many are split off into a block of their own, behind a bit for each integer that
/// tells whether it has one. Integers are signed 64-bit, held in uint64_t; arithmetic wraps.
/// (After Zukowski et al., "Super-Scalar RAM-CPU Cache Compression", ICDE 2006.)
///
/// Format: docs/formats/chunk.md. Stateless, thread-safe.
namespace barograph::tsdb {

/// A block's window [reference, reference + 2^width) and the bits the block will take.
struct PforPlan {
  uint64_t reference = 0;
  unsigned width = 0;
  size_t bits = 0;
  bool split = false;  ///< whether the high parts are a block of their own
};

/// The window that makes the block smallest; split only where that saves more than the slower
/// decoding is worth. Precondition: 1..kBlockSize integers.
PforPlan PlanBlock(std::span<const uint64_t> integers);

/// Appends the block as planned.
void AppendBlock(std::span<const uint64_t> integers, const PforPlan& plan, std::string& out);

/// Reads a block of `count` (1..kBlockSize) integers from [in, end). Returns the byte after it, or
/// nullptr when it is malformed. `out` has room for kBlockSize.
const char* ReadBlock(const char* in, const char* end, size_t count, uint64_t* out);

/// Any number of integers as one block after another, all but the last full. PlanBlocks replaces
/// `plans` by the blocks' and returns the bits of all; AppendBlocks takes the same integers.
size_t PlanBlocks(std::span<const uint64_t> integers, std::vector<PforPlan>& plans);
void AppendBlocks(std::span<const uint64_t> integers, std::span<const PforPlan> plans,
                  std::string& out);

}  // namespace barograph::tsdb
