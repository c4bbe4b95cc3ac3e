#pragma once

#include <cstdint>
#include <string_view>

#include "tsdb/wal/format.h"

namespace barograph::tsdb::wal {

/// Walks the records of one segment. Bytes that are no good frame are passed over up to the next
/// good one: a bad record costs that record. Not thread-safe.
class SegmentReader {
 public:
  enum class Event : uint8_t {
    kRecord,   ///< `record` is the next one; its payload lives as long as the segment's bytes
    kDamage,   ///< bytes [damage_begin, offset) are not what was written; records follow
    kTornEnd,  ///< from damage_begin on no good record follows, as after a write that was cut off
    kEnd,
  };

  /// Reads from `offset` on: 0 is after the magic, where there is one.
  /// Payloads of frames that begin before `checked_from` are not compared with their checksums.
  SegmentReader(uint64_t number, std::string_view bytes, uint64_t offset = 0,
                uint64_t checked_from = 0)
      : number_(number), bytes_(bytes), offset_(offset), checked_from_(checked_from) {}

  Event Next(Record& record);

  uint64_t offset() const { return offset_; }  ///< where the next frame is looked for
  uint64_t damage_begin() const { return damage_begin_; }

 private:
  Event Damage();

  uint64_t number_;
  std::string_view bytes_;
  uint64_t offset_;
  uint64_t checked_from_;
  uint64_t damage_begin_ = 0;
};

}  // namespace barograph::tsdb::wal
