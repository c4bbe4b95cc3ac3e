#include "tsdb/chunk/stream_estimate.h"

#include <algorithm>
#include <array>
#include <bit>

#include "base/bytes/varint.h"
#include "tsdb/chunk/bit_packing.h"

namespace barograph::tsdb {
namespace {

constexpr size_t kBlockHeaderBits = 16;
constexpr size_t kExceptionHeaderBits = 12;  // a position, and what a varint rounds up

unsigned WidthOf(uint64_t integer) {
  return static_cast<unsigned>(std::bit_width(ZigZag(static_cast<int64_t>(integer))));
}

/// How many residuals have which width, counted from a pivot amid them.
using Widths = std::array<uint32_t, 65>;

/// A residual that is typical: the middle one of a few.
uint64_t Pivot(std::span<const uint64_t> residuals) {
  constexpr size_t kProbes = 5;
  if (residuals.size() < kProbes) return residuals[0];
  std::array<int64_t, kProbes> probes;
  for (size_t i = 0; i < kProbes; ++i) {
    probes[i] = static_cast<int64_t>(residuals[(2 * i + 1) * residuals.size() / (2 * kProbes)]);
  }
  std::ranges::sort(probes);
  return static_cast<uint64_t>(probes[kProbes / 2]);
}

/// The bits of `count` integers at the best of all widths, with the wider ones as exceptions.
/// No integer is wider than `widest`.
size_t EstimatePacked(const Widths& widths, unsigned widest, size_t count) {
  size_t best = ~size_t{0}, exceptions = 0, exception_widths = 0;
  for (size_t width = widest + 1; width-- > 0;) {
    const size_t high_bits = exception_widths - exceptions * width;
    const size_t bits =
        count * width + exceptions * kExceptionHeaderBits + high_bits + high_bits / 7;
    best = std::min(best, bits);
    exceptions += widths[width];
    exception_widths += widths[width] * width;
  }
  return best + (count + kBlockSize - 1) / kBlockSize * kBlockHeaderBits;
}

/// The bits of `changes` (gap, residual) pairs, given the residuals' widths.
size_t EstimateSparse(const Widths& widths, unsigned widest, size_t changes) {
  constexpr size_t kGapBits = 8;
  constexpr size_t kRoundingBits = 4;
  size_t bits = 0;
  for (size_t width = 1; width <= widest; ++width) bits += widths[width] * width;
  return changes * (kGapBits + kRoundingBits) + bits + bits / 7;
}

}  // namespace

size_t StreamEstimate::best() const { return std::min({packed_bits, bitmap_bits, sparse_bits}); }

StreamEstimate EstimateStream(std::span<const uint64_t> residuals) {
  StreamEstimate estimate;
  const uint64_t pivot = Pivot(residuals);
  const size_t count = residuals.size();
  std::array<Widths, 2> halves{};  // neighbours often have the same width: two counts are faster
  uint64_t any = 0;
  for (size_t i = 0; i < count; ++i) {
    const uint64_t zigzag = ZigZag(static_cast<int64_t>(residuals[i] - pivot));
    ++halves[i % 2][static_cast<unsigned>(std::bit_width(zigzag))];
    any |= zigzag;
    estimate.nonzero += residuals[i] != 0 ? 1 : 0;
  }
  const auto widest = static_cast<unsigned>(std::bit_width(any));
  Widths& widths = halves[0];
  for (unsigned width = 0; width <= widest; ++width) widths[width] += halves[1][width];

  estimate.packed_bits = EstimatePacked(widths, widest, count);
  widths[WidthOf(0 - pivot)] -= static_cast<uint32_t>(count - estimate.nonzero);
  estimate.bitmap_bits = count + EstimatePacked(widths, widest, estimate.nonzero);
  // Widths from another pivot than 0 say little of the residuals' own, but then most are not 0.
  estimate.sparse_bits = EstimateSparse(widths, widest, estimate.nonzero);
  return estimate;
}

}  // namespace barograph::tsdb
