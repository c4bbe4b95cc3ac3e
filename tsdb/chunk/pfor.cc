#include "tsdb/chunk/pfor.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>

#include "base/bytes/varint.h"
#include "tsdb/chunk/block_sort.h"
#include "tsdb/chunk/expand.h"
#include "tsdb/chunk/integer_loops.h"
#include "tsdb/chunk/little_endian.h"

namespace barograph::tsdb {
namespace {

// A block's first byte: the width, and whether exceptions follow the packed bits; or, from kSplit
// on, the width of a split block.
constexpr uint8_t kHasExceptions = 0x80;
constexpr unsigned kMaxWidth = 64;
constexpr unsigned kSplit = kMaxWidth + 1;
constexpr unsigned kMaxSplitWidth = 62;
// An exception's first byte: its position, and whether another follows.
constexpr uint8_t kMoreExceptions = 0x80;
constexpr size_t kMinExceptionBits = 16;
// Planning gives up where one integer in this many is an exception.
constexpr size_t kMinShareOfException = 2;

// What a block may take more to be decoded faster, in bits: for each integer that is not put
// together from two parts, less what each exception, read one after the other, costs.
constexpr size_t kBitsForWhole = 1;
constexpr size_t kBitsForException = 8;

size_t VarintBits(uint64_t value) {
  return (static_cast<size_t>(std::bit_width(value | 1)) + 6) / 7 * 8;
}

int64_t Signed(uint64_t value) { return static_cast<int64_t>(value); }

/// What of `distance` from the reference lies above the packed `width` bits; 0 inside the window.
int64_t HighPart(uint64_t distance, unsigned width) {
  return width >= 64 ? 0 : Signed(distance) >> width;
}

/// A stretch of the sorted integers.
struct Window {
  size_t begin = 0;
  size_t end = 0;
};

/// The narrowest window that leaves `exceptions` integers out.
Window NarrowestWindow(std::span<const uint64_t> sorted, size_t exceptions) {
  const size_t inside = sorted.size() - exceptions;
  size_t best = 0;
  uint64_t best_reach = ~uint64_t{0};
  for (size_t begin = 0; begin <= exceptions; ++begin) {
    const uint64_t reach = sorted[begin + inside - 1] - sorted[begin];
    best = reach < best_reach ? begin : best;
    best_reach = std::min(reach, best_reach);
  }
  return {best, best + inside};
}

/// The integers that a window leaves out, below it and above.
struct Outside {
  std::span<const uint64_t> below, above;
};

Outside OutsideOf(std::span<const uint64_t> sorted, Window window) {
  return {sorted.first(window.begin), sorted.subspan(window.end)};
}

/// The high parts of those that have one, in their order.
std::span<uint64_t> TakeHighParts(Outside outside, uint64_t reference, unsigned width,
                                  std::array<uint64_t, kBlockSize>& high) {
  size_t count = 0;
  for (const auto& side : {outside.below, outside.above}) {
    for (const uint64_t integer : side) {
      high[count] = static_cast<uint64_t>(HighPart(integer - reference, width));
      count += high[count] != 0 ? 1 : 0;
    }
  }
  return std::span(high).first(count);
}

size_t ExceptionBits(std::span<const uint64_t> high) {
  size_t bits = 0;
  for (const uint64_t part : high) bits += 8 + VarintBits(ZigZag(Signed(part)));
  return bits;
}

/// The bits of a block's front: the first byte, the reference, the packed integers.
size_t FrontBits(uint64_t reference, size_t count, unsigned width) {
  return 8 + VarintBits(ZigZag(Signed(reference))) + 8 * PackedBytes(count, width);
}

size_t BitmapBytes(size_t count) { return (count + 7) / 8; }

unsigned WidthOf(std::span<const uint64_t> sorted, Window window) {
  return static_cast<unsigned>(std::bit_width(sorted[window.end - 1] - sorted[window.begin]));
}

/// Calls visit(window, width) for the narrowest window of each width that is narrower than all
/// integers together. It may end that.
template <typename Visit>
void VisitWindows(std::span<const uint64_t> sorted, Visit visit) {
  unsigned width = WidthOf(sorted, {0, sorted.size()});
  const size_t most = sorted.size() / kMinShareOfException;
  for (size_t exceptions = 1; exceptions <= most; exceptions += 1 + exceptions / 8) {
    const Window window = NarrowestWindow(sorted, exceptions);
    if (WidthOf(sorted, window) == width) continue;
    width = WidthOf(sorted, window);
    if (!visit(window, width)) return;
  }
}

struct PatchedPlan {
  PforPlan plan;
  size_t exceptions = 0;
};

/// The best of the blocks that are not split.
PatchedPlan PlanPatched(std::span<const uint64_t> sorted) {
  const unsigned widest = WidthOf(sorted, {0, sorted.size()});
  PatchedPlan best{{sorted.front(), widest, FrontBits(sorted.front(), sorted.size(), widest)}};
  VisitWindows(sorted, [&](Window window, unsigned width) {
    const size_t outside = sorted.size() - (window.end - window.begin);
    if (outside * kMinExceptionBits >= best.plan.bits) return false;
    std::array<uint64_t, kBlockSize> room;
    const uint64_t reference = sorted[window.begin];
    const auto high = TakeHighParts(OutsideOf(sorted, window), reference, width, room);
    const size_t bits = FrontBits(reference, sorted.size(), width) + ExceptionBits(high);
    if (bits < best.plan.bits) best = {{reference, width, bits}, high.size()};
    return true;
  });
  return best;
}

/// The best of the blocks that are split, where one takes fewer bits than `limit`.
std::optional<PforPlan> PlanSplit(std::span<const uint64_t> sorted, size_t limit) {
  std::optional<PforPlan> best;
  VisitWindows(sorted, [&](Window window, unsigned width) {
    const uint64_t reference = sorted[window.begin];
    size_t bits = FrontBits(reference, sorted.size(), width) + 8 * BitmapBytes(sorted.size());
    if (width > kMaxSplitWidth || bits >= limit) return true;
    std::array<uint64_t, kBlockSize> room;
    const auto high = TakeHighParts(OutsideOf(sorted, window), reference, width, room);
    if (high.empty()) return true;
    bits += PlanPatched(high).plan.bits;
    if (bits >= limit) return true;
    best = {reference, width, bits, true};
    limit = bits;
    return true;
  });
  return best;
}

PforPlan PlanSorted(std::span<const uint64_t> sorted) {
  const auto [patched, exceptions] = PlanPatched(sorted);
  const size_t whole = kBitsForWhole * sorted.size();
  const size_t slow = patched.bits + kBitsForException * exceptions;
  // A distance that wraps would not be in order.
  const bool wraps = WidthOf(sorted, {0, sorted.size()}) > 63;
  if (slow <= whole || wraps) return patched;
  return PlanSplit(sorted, std::min(patched.bits, slow - whole)).value_or(patched);
}

std::span<const uint64_t> Sorted(std::span<const uint64_t> integers,
                                 std::array<uint64_t, kBlockSize>& room) {
  std::ranges::copy(integers, room.begin());
  const std::span<uint64_t> sorted = std::span(room).first(integers.size());
  SortSigned(sorted);
  return sorted;
}

/// The plan of a block that may not be split.
PforPlan PlanHighParts(std::span<const uint64_t> high) {
  std::array<uint64_t, kBlockSize> sorted;
  return PlanPatched(Sorted(high, sorted)).plan;
}

void AppendBitmap(std::span<const uint8_t> positions, size_t count, std::string& out) {
  std::array<uint8_t, kBlockSize / 8> bitmap{};
  for (const uint8_t position : positions) {
    bitmap[position / 8] = static_cast<uint8_t>(bitmap[position / 8] | 1u << (position % 8));
  }
  out.append(bitmap.begin(), bitmap.begin() + BitmapBytes(count));
}

/// Adds the listed high parts to the integers that they belong to.
const char* Patch(const char* in, const char* end, size_t count, unsigned width, uint64_t* out) {
  bool more = true;
  while (more) {
    if (in == end) return nullptr;
    const auto byte = static_cast<uint8_t>(*in++);
    const size_t position = byte & ~kMoreExceptions;
    more = (byte & kMoreExceptions) != 0;
    uint64_t high = 0;
    in = GetVarint(in, end, high);
    if (in == nullptr || position >= count || width >= 64) return nullptr;
    out[position] += static_cast<uint64_t>(UnZigZag(high)) << width;
  }
  return in;
}

/// Reads the high parts that were split off, and adds them to the integers that they belong to.
const char* ReadHighParts(const char* in, const char* end, size_t count, unsigned width,
                          uint64_t* out) {
  std::array<char, kBlockSize / 8> bitmap{};
  const size_t bytes = BitmapBytes(count);
  if (static_cast<size_t>(end - in) <= bytes) return nullptr;
  std::memcpy(bitmap.data(), in, bytes);
  in += bytes;
  std::array<uint64_t, kBlockSize / 64> bits = {LoadLittleEndian64(bitmap.data()),
                                                LoadLittleEndian64(bitmap.data() + 8)};
  const auto set = static_cast<size_t>(std::popcount(bits[0]) + std::popcount(bits[1]));
  const bool is_split = (static_cast<uint8_t>(*in) & ~kHasExceptions) >= kSplit;
  if (set == 0 || set > count || is_split) return nullptr;
  std::array<uint64_t, kBlockSize + kExpandSlack> high, spread;
  in = ReadBlock(in, end, set, high.data());
  if (in == nullptr) return nullptr;
  Expand(bits.data(), count, high.data(), spread.data());
  AddShifted(spread.data(), width, out, count);
  return in;
}

}  // namespace

PforPlan PlanBlock(std::span<const uint64_t> integers) {
  std::array<uint64_t, kBlockSize> sorted;
  return PlanSorted(Sorted(integers, sorted));
}

void AppendBlock(std::span<const uint64_t> integers, const PforPlan& plan, std::string& out) {
  std::array<uint64_t, kBlockSize> distances, high;
  std::array<uint8_t, kBlockSize> positions;
  size_t count = 0;  // of high parts
  for (size_t i = 0; i < integers.size(); ++i) {
    distances[i] = integers[i] - plan.reference;
    high[count] = static_cast<uint64_t>(HighPart(distances[i], plan.width));
    positions[count] = static_cast<uint8_t>(i);
    count += high[count] != 0 ? 1 : 0;
  }
  const unsigned listed = count > 0 ? kHasExceptions : 0;
  out.push_back(static_cast<char>(plan.split ? kSplit + plan.width : plan.width | listed));
  AppendVarint(out, ZigZag(Signed(plan.reference)));
  AppendPacked(distances.data(), integers.size(), plan.width, out);
  if (plan.split) {
    AppendBitmap(std::span(positions).first(count), integers.size(), out);
    const auto parts = std::span(high).first(count);
    return AppendBlock(parts, PlanHighParts(parts), out);
  }
  for (size_t i = 0; i < count; ++i) {
    out.push_back(static_cast<char>(positions[i] | (i + 1 < count ? kMoreExceptions : 0)));
    AppendVarint(out, ZigZag(Signed(high[i])));
  }
}

const char* ReadBlock(const char* in, const char* end, size_t count, uint64_t* out) {
  if (in == end) return nullptr;
  const auto head = static_cast<uint8_t>(*in++);
  const bool split = head >= kSplit && head < kHasExceptions;
  const unsigned width = split ? head - kSplit : head & ~kHasExceptions;
  uint64_t reference = 0;
  in = GetVarint(in, end, reference);
  if (in == nullptr || width > kMaxWidth) return nullptr;
  reference = static_cast<uint64_t>(UnZigZag(reference));

  const size_t bytes = PackedBytes(count, width);
  if (static_cast<size_t>(end - in) < bytes) return nullptr;
  Unpack(in, end, count, width, reference, out);
  in += bytes;
  if (split) return ReadHighParts(in, end, count, width, out);
  return (head & kHasExceptions) != 0 ? Patch(in, end, count, width, out) : in;
}

size_t PlanBlocks(std::span<const uint64_t> integers, std::vector<PforPlan>& plans) {
  size_t bits = 0;
  plans.clear();
  for (size_t i = 0; i < integers.size(); i += kBlockSize) {
    plans.push_back(PlanBlock(integers.subspan(i, std::min(kBlockSize, integers.size() - i))));
    bits += plans.back().bits;
  }
  return bits;
}

void AppendBlocks(std::span<const uint64_t> integers, std::span<const PforPlan> plans,
                  std::string& out) {
  for (const PforPlan& plan : plans) {
    const auto block = integers.first(std::min(kBlockSize, integers.size()));
    AppendBlock(block, plan, out);
    integers = integers.subspan(block.size());
  }
}

}  // namespace barograph::tsdb
