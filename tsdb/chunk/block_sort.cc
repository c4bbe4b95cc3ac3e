#include "tsdb/chunk/block_sort.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "tsdb/chunk/bit_packing.h"

namespace barograph::tsdb {
namespace {

constexpr size_t kMinRadixSize = 40;     // below, comparing is faster
constexpr unsigned kMaxRadixWidth = 32;  // above, too
constexpr unsigned kDigitBits = 8;
constexpr size_t kDigits = size_t{1} << kDigitBits;

// An object, not a function, so that sorting inlines it.
constexpr auto kSigned = [](uint64_t integer) { return static_cast<int64_t>(integer); };

void SortByComparing(std::span<uint64_t> integers) { std::ranges::sort(integers, {}, kSigned); }

/// One pass: moves `from` to `to`, ordered by the `digits` values of the digit at `shift` of the
/// distance from `least`.
void MoveByDigit(std::span<const uint64_t> from, uint64_t* to, uint64_t least, unsigned shift,
                 size_t digits) {
  static_assert(kBlockSize < 256);
  const auto digit = [=](uint64_t integer) { return ((integer - least) >> shift) % kDigits; };
  std::array<uint8_t, kDigits> places{};
  for (const uint64_t integer : from) ++places[digit(integer)];
  uint8_t place = 0;
  for (size_t i = 0; i < digits; ++i) place += std::exchange(places[i], place);
  for (const uint64_t integer : from) to[places[digit(integer)]++] = integer;
}

}  // namespace

void SortSigned(std::span<uint64_t> integers) {
  if (integers.size() < kMinRadixSize) return SortByComparing(integers);
  const auto [least, most] = std::ranges::minmax(integers, {}, kSigned);
  const auto width = static_cast<unsigned>(std::bit_width(most - least));
  if (width > kMaxRadixWidth) return SortByComparing(integers);
  std::array<uint64_t, kBlockSize> other;
  std::span<uint64_t> from = integers, to = std::span(other).first(integers.size());
  for (unsigned shift = 0; shift < width; shift += kDigitBits) {
    const size_t digits = std::min(kDigits, size_t{1} << (width - shift));
    MoveByDigit(from, to.data(), least, shift, digits);
    std::swap(from, to);
  }
  if (from.data() != integers.data()) std::ranges::copy(from, integers.begin());
}

}  // namespace barograph::tsdb
