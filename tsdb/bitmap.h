#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/mutex.h"

/// Bit sets over columns and rows, as plain words: bit i is bit i % 64 of word i / 64.
namespace barograph::tsdb {

constexpr size_t WordsFor(size_t bits) { return (bits + 63) / 64; }
constexpr size_t BytesFor(size_t bits) { return (bits + 7) / 8; }

constexpr uint64_t WordAt(std::span<const uint64_t> words, size_t index) {
  return index < words.size() ? words[index] : 0;
}
constexpr bool TestBit(std::span<const uint64_t> words, size_t bit) {
  return (WordAt(words, bit / 64) >> (bit % 64) & 1) != 0;
}
constexpr void SetBit(std::span<uint64_t> words, size_t bit) {
  words[bit / 64] |= uint64_t{1} << (bit % 64);
}
constexpr void ClearBit(std::span<uint64_t> words, size_t bit) {
  words[bit / 64] &= ~(uint64_t{1} << (bit % 64));
}
constexpr size_t CountBits(std::span<const uint64_t> words) {
  size_t count = 0;
  for (const uint64_t word : words) count += static_cast<size_t>(std::popcount(word));
  return count;
}

/// Calls visit(bit) for each set bit of `word`, offset by `base`, ascending. `visit` may be
/// annotated with the locks that the caller holds.
template <typename F>
constexpr void ForEachBit(uint64_t word, size_t base, F&& visit) NO_THREAD_SAFETY_ANALYSIS {
  for (; word != 0; word &= word - 1) visit(base + static_cast<size_t>(std::countr_zero(word)));
}

/// Which of up to 128 rows hold a sample.
struct RowMask {
  uint64_t words[2] = {0, 0};

  /// Rows [first, last).
  static constexpr RowMask Range(size_t first, size_t last) {
    RowMask mask;
    for (size_t w = 0; w < 2; ++w) {
      const uint64_t below_last = BitsBelow(last, w), below_first = BitsBelow(first, w);
      mask.words[w] = below_last & ~below_first;
    }
    return mask;
  }
  constexpr void Set(size_t row) { words[row / 64] |= uint64_t{1} << (row % 64); }
  constexpr bool Test(size_t row) const { return (words[row / 64] >> (row % 64) & 1) != 0; }
  constexpr size_t Count() const {
    return static_cast<size_t>(std::popcount(words[0]) + std::popcount(words[1]));
  }
  constexpr bool empty() const { return (words[0] | words[1]) == 0; }
  bool operator==(const RowMask&) const = default;

 private:
  static constexpr uint64_t BitsBelow(size_t bit, size_t word) {
    const size_t start = word * 64;
    if (bit <= start) return 0;
    return bit >= start + 64 ? ~uint64_t{0} : (uint64_t{1} << (bit - start)) - 1;
  }
};

}  // namespace barograph::tsdb
