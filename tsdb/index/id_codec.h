#pragma once

#include <cstdint>
#include <roaring/roaring.hh>
#include <string>
#include <string_view>

/// Sets of 32-bit ids as bytes (docs/formats/index.md, "Sets"): the ids of a target's series follow
/// each other, so a set is mostly runs. Measured on the sets of bench/index_bench.cc, this takes
/// half of Roaring's portable format, whose smallest set is 18 bytes; and any bytes may be decoded
/// safely, which that format's reader does not promise.
namespace barograph::tsdb::index {

/// Encodes a set as its ids come. Not thread-safe.
class IdEncoder {
 public:
  /// Precondition: `id` is above all before it.
  void Add(uint32_t id) {
    if (!empty_ && id == last_ + 1) {
      last_ = id;
      return;
    }
    if (!empty_) EndRun();
    empty_ = false;
    first_ = last_ = id;
  }

  /// The set's bytes; the encoder is empty after it.
  std::string Finish();

  bool empty() const { return empty_; }
  size_t size_bytes() const { return runs_.size(); }

 private:
  void EndRun();

  std::string runs_;
  uint64_t next_ = 0;  // the lowest id that a next run may begin at
  uint32_t first_ = 0, last_ = 0;
  bool empty_ = true;
};

std::string EncodeIds(const Roaring& ids);

/// Adds the ids to `set`. False when `bytes` are none; `set` may hold some of them then.
bool DecodeIds(std::string_view bytes, Roaring& set);

}  // namespace barograph::tsdb::index
