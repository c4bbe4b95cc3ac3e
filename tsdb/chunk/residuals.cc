#include "tsdb/chunk/residuals.h"

#include <bit>
#include <numeric>

namespace barograph::tsdb {
namespace {

uint64_t Magnitude(uint64_t difference) {
  return static_cast<int64_t>(difference) < 0 ? -difference : difference;
}

/// The inverse of an odd number modulo 2^64, by Newton's iteration: each step doubles the bits
/// that are right, of which the first guess has five.
constexpr uint64_t InverseOfOdd(uint64_t odd) {
  uint64_t inverse = (3 * odd) ^ 2;
  for (int step = 0; step < 4; ++step) inverse *= 2 - odd * inverse;
  return inverse;
}

}  // namespace

uint64_t CommonDivisor(std::span<const uint64_t> integers, bool powers_of_two_only) {
  uint64_t any_bit = 0;
  for (const uint64_t integer : integers) any_bit |= integer - integers[0];
  if (any_bit == 0) return 1;
  const int zeros = std::countr_zero(any_bit);
  if (powers_of_two_only) return uint64_t{1} << zeros;
  uint64_t odd = 0;
  for (const uint64_t integer : integers) {
    const uint64_t distance = Magnitude(integer - integers[0]) >> zeros;
    if (odd != 0 && distance % odd == 0) continue;
    odd = std::gcd(odd, distance);
    if (odd == 1) break;
  }
  return odd << zeros;
}

void TakeDistances(std::span<uint64_t> integers, uint64_t divisor) {
  const uint64_t first = integers[0];
  if (divisor == 1) {
    for (uint64_t& integer : integers) integer -= first;
    return;
  }
  // The division leaves nothing over: a shift, and a product with the odd part's inverse.
  const int zeros = std::countr_zero(divisor);
  const uint64_t inverse = InverseOfOdd(divisor >> zeros);
  for (uint64_t& integer : integers) {
    const auto distance = static_cast<int64_t>(integer - first);
    integer = static_cast<uint64_t>(distance >> zeros) * inverse;
  }
}

void TakeResiduals(std::span<const uint64_t> distances, RunTransform transform,
                   std::vector<uint64_t>& residuals) {
  const size_t skipped = transform == RunTransform::kDoubleDelta ? 2 : 1;
  if (distances.size() < skipped) {
    residuals.clear();
    return;
  }
  residuals.resize(distances.size() - skipped);
  const uint64_t* const x = distances.data() + skipped;
  const size_t count = residuals.size();
  switch (transform) {
    case RunTransform::kRaw:
      for (size_t i = 0; i < count; ++i) residuals[i] = x[i];
      break;
    case RunTransform::kDelta:
      for (size_t i = 0; i < count; ++i) residuals[i] = x[i] - *(x + i - 1);
      break;
    case RunTransform::kDoubleDelta:
      for (size_t i = 0; i < count; ++i) residuals[i] = x[i] - 2 * *(x + i - 1) + *(x + i - 2);
      break;
  }
}

}  // namespace barograph::tsdb
