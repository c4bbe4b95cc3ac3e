#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
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
  std::string drift;                   ///< encoded, where `mapping` has kMappingHasDrift
  std::vector<uint8_t> failed;         ///< working memory
};

/// Finds the mapping that reaches most of `values`: decimals while at most one value in eight
/// needs more digits than an integer below 2^51 has, the bits themselves otherwise. `run`'s
/// former content is dropped, its memory reused.
void MapRun(std::span<const double> values, MappedRun& run);

/// Whether doubles that MapRun could not reach as decimals, in part or all, may be decimals that
/// drifted: sums of decimals, each of which rounded.
bool MayHaveDrifted(const MappedRun& run);

/// Maps to the decimals next to the values, and fills `drift` with the steps of each value from
/// its decimal. False where no number of decimals is near enough to the values to pay.
bool MapDriftedRun(std::span<const double> values, MappedRun& run, std::vector<uint64_t>& drift);

}  // namespace barograph::tsdb
