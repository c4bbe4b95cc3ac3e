#include "tsdb/wal/reader.h"

namespace barograph::tsdb::wal {

SegmentReader::Event SegmentReader::Next(Record& record) {
  if (offset_ == 0 && bytes_.starts_with(kSegmentMagic)) offset_ = kSegmentMagic.size();
  if (offset_ >= bytes_.size()) return Event::kEnd;
  const auto read = offset_ < checked_from_ ? ReadFrameUnchecked : ReadFrame;
  const auto found = read(bytes_.substr(offset_), {number_, offset_});
  if (!found) return Damage();
  record = *found;
  offset_ += kFrameHeaderBytes + record.payload.size();
  return Event::kRecord;
}

// Moves to the next good frame.
SegmentReader::Event SegmentReader::Damage() {
  damage_begin_ = offset_;
  for (size_t at = offset_ + 1;; ++at) {
    at = bytes_.find(kFrameMarker, at);
    if (at == std::string_view::npos) break;
    if (ReadFrame(bytes_.substr(at), {number_, at})) {
      offset_ = at;
      return Event::kDamage;
    }
  }
  offset_ = bytes_.size();
  return Event::kTornEnd;
}

}  // namespace barograph::tsdb::wal
