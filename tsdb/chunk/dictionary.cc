#include "tsdb/chunk/dictionary.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "base/bytes/varint.h"

namespace barograph::tsdb {

bool Dictionary::Number(std::span<const uint64_t> integers) {
  const size_t limit = std::min(kMaxDictionaryEntries, integers.size() / kMinUses);
  entries_.clear();
  codes_.clear();
  uses_.fill(0);
  slots_.fill(0);
  for (const uint64_t integer : integers) {
    size_t slot = SlotOf(integer);
    while (slots_[slot] != 0 && entries_[slots_[slot] - 1u] != integer) slot = (slot + 1) % kSlots;
    if (slots_[slot] == 0) {
      if (entries_.size() == limit) return false;
      entries_.push_back(integer);
      slots_[slot] = static_cast<uint8_t>(entries_.size());
    }
    const size_t code = slots_[slot] - 1u;
    codes_.push_back(code);
    ++uses_[code];
  }
  return true;
}

void Dictionary::OrderByFrequency() {
  std::array<uint8_t, kMaxDictionaryEntries> order;
  const auto end = order.begin() + static_cast<std::ptrdiff_t>(entries_.size());
  std::iota(order.begin(), end, uint8_t{0});
  std::sort(order.begin(), end,
            [this](auto a, auto b) { return uses_[a] != uses_[b] ? uses_[a] > uses_[b] : a < b; });
  std::array<uint64_t, kMaxDictionaryEntries> rank;
  std::array<uint64_t, kMaxDictionaryEntries> entries;
  for (size_t i = 0; i < entries_.size(); ++i) {
    rank[order[i]] = i;
    entries[i] = entries_[order[i]];
  }
  std::copy_n(entries.begin(), entries_.size(), entries_.begin());
  for (uint64_t& code : codes_) code = rank[code];
}

bool Dictionary::Build(std::span<const uint64_t> integers) {
  if (!Number(integers)) return false;
  OrderByFrequency();
  return true;
}

size_t Dictionary::Plan() {
  size_t bits = 8 + PlanBlocks(codes_, plans_);
  for (const uint64_t entry : entries_) {
    const uint64_t zigzag = ZigZag(static_cast<int64_t>(entry));
    bits += (static_cast<size_t>(std::bit_width(zigzag | 1)) + 6) / 7 * 8;
  }
  return bits;
}

void Dictionary::Append(std::string& out) const {
  AppendVarint(out, entries_.size());
  for (const uint64_t entry : entries_) AppendVarint(out, ZigZag(static_cast<int64_t>(entry)));
  AppendBlocks(codes_, plans_, out);
}

}  // namespace barograph::tsdb
