#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tsdb/chunk/pfor.h"

/// Few distinct integers that come in no order: each is listed once, most frequent first, and the
/// stream holds their numbers.
namespace barograph::tsdb {

inline constexpr size_t kMaxDictionaryEntries = 64;

class Dictionary {
 public:
  /// Lists what is distinct in `integers`. False when that is more than kMaxDictionaryEntries, or
  /// when an entry is used so little that a dictionary hardly pays.
  bool Build(std::span<const uint64_t> integers);

  /// The bits that Append will write. To be called before it.
  size_t Plan();

  /// Appends the number of entries, the entries, and the code of each integer in PFOR blocks.
  void Append(std::string& out) const;

 private:
  static constexpr size_t kMinUses = 4;  // on average
  static constexpr size_t kSlots = 256;  // a power of two, well above kMaxDictionaryEntries
  static size_t SlotOf(uint64_t integer) { return (integer * 0x9e3779b97f4a7c15u) >> 56; }

  bool Number(std::span<const uint64_t> integers);
  void OrderByFrequency();

  std::vector<uint64_t> entries_;
  std::vector<uint64_t> codes_;
  std::vector<PforPlan> plans_;
  std::array<uint32_t, kMaxDictionaryEntries> uses_;
  std::array<uint8_t, kSlots> slots_;  // an entry's number plus 1
};

}  // namespace barograph::tsdb
