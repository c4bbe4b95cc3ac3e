#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/containers.h"
#include "tsdb/head/postings.h"

namespace barograph::tsdb {

/// A hash table of refs 0, 1, 2, ... that keeps nothing but the refs, 6 to 9 bytes for each: their
/// hashes are the caller's, in a list by ref. Linear probing; refs are never taken out. Not
/// thread-safe; Find may run beside Find.
///
/// Slots are `slots * hash >> 32` and up, so that the slots alone, written down, are the table: to
/// put a million refs in again took 0.2 s in restart_bench, mostly waiting for memory.
class RefTable {
 public:
  /// Adds the ref hashes.size() - 1.
  void AddLast(std::span<const uint32_t> hashes) {
    if (hashes.size() > Room(slots_.size())) {
      Rebuild(hashes.size() * 9 / 4 + 8, hashes);
    } else {
      Put(static_cast<SeriesRef>(hashes.size() - 1), hashes.back());
    }
  }

  /// The ref with this hash of which equal(ref) says that it is the one.
  template <typename Equal>
  std::optional<SeriesRef> Find(uint32_t hash, std::span<const uint32_t> hashes,
                                Equal&& equal) const {
    if (slots_.empty()) return std::nullopt;
    for (size_t at = HomeOf(hash); slots_[at] != kEmpty; at = Next(at)) {
      if (hashes[slots_[at]] == hash && equal(slots_[at])) return slots_[at];
    }
    return std::nullopt;
  }

  static constexpr SeriesRef kEmpty = ~SeriesRef{0};
  std::span<const SeriesRef> slots() const { return slots_; }

  /// Takes over the slots of a table of the refs below `refs`, where others may be left from later
  /// ones, which go. False when they cannot be; then nothing has changed.
  bool Restore(std::vector<SeriesRef> slots, size_t refs) {
    size_t used = 0;
    for (SeriesRef& ref : slots) {
      if (ref >= refs) ref = kEmpty;
      used += ref != kEmpty;
    }
    if (used != refs || refs > Room(slots.size())) return false;
    slots_ = std::move(slots);
    return true;
  }

 private:
  static size_t Room(size_t slots) { return slots / 3 * 2; }
  size_t HomeOf(uint32_t hash) const { return uint64_t{hash} * slots_.size() >> 32; }
  size_t Next(size_t at) const { return at + 1 == slots_.size() ? 0 : at + 1; }

  void Put(SeriesRef ref, uint32_t hash) {
    size_t at = HomeOf(hash);
    while (slots_[at] != kEmpty) at = Next(at);
    slots_[at] = ref;
  }

  void Rebuild(size_t slots, std::span<const uint32_t> hashes) {
    FreeMemory(slots_);  // before the new ones take their room
    slots_.assign(slots, kEmpty);
    for (size_t ref = 0; ref < hashes.size(); ++ref) Put(static_cast<SeriesRef>(ref), hashes[ref]);
  }

  std::vector<SeriesRef> slots_;
};

}  // namespace barograph::tsdb
