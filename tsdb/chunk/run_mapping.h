#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// A run of doubles as integers plus the few values that are none.
namespace barograph::tsdb {

/// A value that its run's mapping does not reach: NaN, infinities, -0 among decimals, and single
/// values with more digits than the rest.
struct SpecialValue {
  size_t position = 0;
  uint64_t bits = 0;
};

struct MappedRun {
  uint8_t mapping = 0;                 ///< a number of decimals, or kMappingBits
  std::vector<uint64_t> integers;      ///< one a value; a special one repeats its neighbour
  std::vector<SpecialValue> specials;  ///< by position
  std::vector<uint8_t> failed;         ///< working memory
};

/// Finds the mapping that reaches most of `values`: decimals while at most one value in eight
/// needs more digits than an integer below 2^51 has, the bits themselves otherwise. `run`'s
/// former content is dropped, its memory reused.
void MapRun(std::span<const double> values, MappedRun& run);

}  // namespace barograph::tsdb
