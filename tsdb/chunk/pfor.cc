#include "tsdb/chunk/pfor.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "base/bytes/varint.h"
#include "tsdb/chunk/block_sort.h"
#include "tsdb/chunk/integer_loops.h"

namespace barograph::tsdb {
namespace {

// A block's first byte: the width, and whether exceptions follow the reference.
constexpr uint8_t kHasExceptions = 0x80;
constexpr unsigned kMaxWidth = 64;
// An exception's first byte: its position, and whether another follows.
constexpr uint8_t kMoreExceptions = 0x80;
constexpr size_t kMinExceptionBits = 16;
// Planning gives up where one integer in this many is an exception.
constexpr size_t kMinShareOfException = 2;

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

size_t ExceptionBits(std::span<const uint64_t> outside, uint64_t reference, unsigned width) {
  size_t bits = 0;
  for (const uint64_t integer : outside) {
    const int64_t high = HighPart(integer - reference, width);
    if (high != 0) bits += 8 + VarintBits(ZigZag(high));
  }
  return bits;
}

size_t BlockBits(std::span<const uint64_t> sorted, Window window, unsigned width) {
  const uint64_t reference = sorted[window.begin];
  return 8 + VarintBits(ZigZag(Signed(reference))) + 8 * PackedBytes(sorted.size(), width) +
         ExceptionBits(sorted.first(window.begin), reference, width) +
         ExceptionBits(sorted.subspan(window.end), reference, width);
}

unsigned WidthOf(std::span<const uint64_t> sorted, Window window) {
  return static_cast<unsigned>(std::bit_width(sorted[window.end - 1] - sorted[window.begin]));
}

PforPlan PlanSorted(std::span<const uint64_t> sorted) {
  Window window{0, sorted.size()};
  unsigned width = WidthOf(sorted, window);
  PforPlan best{sorted.front(), width, BlockBits(sorted, window, width)};
  const size_t most = sorted.size() / kMinShareOfException;
  for (size_t exceptions = 1; exceptions <= most; exceptions += 1 + exceptions / 8) {
    if (exceptions * kMinExceptionBits >= best.bits) break;
    window = NarrowestWindow(sorted, exceptions);
    if (WidthOf(sorted, window) == width) continue;
    width = WidthOf(sorted, window);
    const size_t bits = BlockBits(sorted, window, width);
    if (bits < best.bits) best = {sorted[window.begin], width, bits};
  }
  return best;
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

/// Unpacks from bytes that may end where the integers end.
void UnpackExact(const char* in, const char* end, size_t count, unsigned width, uint64_t* out) {
  const size_t bytes = PackedBytes(count, width);
  if (static_cast<size_t>(end - in) >= bytes + kUnpackSlack) {
    Unpack(in, count, width, out);
    return;
  }
  std::array<char, kBlockSize * 8 + kUnpackSlack> padded;
  std::memcpy(padded.data(), in, bytes);
  std::memset(padded.data() + bytes, 0, kUnpackSlack);
  Unpack(padded.data(), count, width, out);
}

}  // namespace

PforPlan PlanBlock(std::span<const uint64_t> integers) {
  std::array<uint64_t, kBlockSize> sorted;
  std::ranges::copy(integers, sorted.begin());
  const std::span<uint64_t> all = std::span(sorted).first(integers.size());
  SortSigned(all);
  return PlanSorted(all);
}

void AppendBlock(std::span<const uint64_t> integers, const PforPlan& plan, std::string& out) {
  std::array<uint64_t, kBlockSize> distances;
  std::array<uint8_t, kBlockSize> outside;
  size_t exceptions = 0;
  for (size_t i = 0; i < integers.size(); ++i) {
    distances[i] = integers[i] - plan.reference;
    outside[exceptions] = static_cast<uint8_t>(i);
    exceptions += HighPart(distances[i], plan.width) != 0 ? 1 : 0;
  }
  out.push_back(static_cast<char>(plan.width | (exceptions > 0 ? kHasExceptions : 0)));
  AppendVarint(out, ZigZag(Signed(plan.reference)));
  AppendPacked(distances.data(), integers.size(), plan.width, out);
  for (size_t i = 0; i < exceptions; ++i) {
    out.push_back(static_cast<char>(outside[i] | (i + 1 < exceptions ? kMoreExceptions : 0)));
    AppendVarint(out, ZigZag(HighPart(distances[outside[i]], plan.width)));
  }
}

const char* ReadBlock(const char* in, const char* end, size_t count, uint64_t* out) {
  if (in == end) return nullptr;
  const auto head = static_cast<uint8_t>(*in++);
  const unsigned width = head & ~kHasExceptions;
  uint64_t reference = 0;
  in = GetVarint(in, end, reference);
  if (in == nullptr || width > kMaxWidth) return nullptr;
  reference = static_cast<uint64_t>(UnZigZag(reference));

  const size_t bytes = PackedBytes(count, width);
  if (static_cast<size_t>(end - in) < bytes) return nullptr;
  UnpackExact(in, end, count, width, out);
  if (reference != 0) AddToAll(reference, out, count);
  in += bytes;
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
