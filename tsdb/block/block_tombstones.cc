#include "tsdb/block/block_tombstones.h"

#include <algorithm>

#include "base/bytes/byte_reader.h"
#include "base/bytes/varint.h"
#include "tsdb/block/block_format.h"

namespace barograph::tsdb {
namespace {

constexpr std::string_view kMagic = "BAROTMB1";
constexpr size_t kChecksumBytes = 8;

std::unexpected<Error> Malformed(std::string_view what) {
  return Fail(ErrorCode::kCorruption, "tombstones: " + std::string(what));
}

uint64_t Length(TimeRange range) {
  return static_cast<uint64_t>(ToMs(range.max)) - static_cast<uint64_t>(ToMs(range.min));
}

}  // namespace

void BlockTombstones::Add(SeriesId id, TimeRange range) {
  if (range.max < range.min) return;
  std::vector<TimeRange>& ranges = ranges_[id];
  const auto first =
      std::ranges::find_if(ranges, [range](TimeRange other) { return other.max >= range.min; });
  const auto last =
      std::find_if(first, ranges.end(), [range](TimeRange other) { return other.min > range.max; });
  if (first != last) {
    range.min = std::min(range.min, first->min);
    range.max = std::max(range.max, std::prev(last)->max);
  }
  ranges.insert(ranges.erase(first, last), range);
}

void BlockTombstones::Add(const BlockTombstones& other) {
  for (const auto& [id, ranges] : other.ranges_) {
    for (const TimeRange& range : ranges) Add(id, range);
  }
}

bool BlockTombstones::DropBefore(Timestamp time) {
  size_t dropped = 0;
  for (auto& [id, ranges] : ranges_) {
    dropped += std::erase_if(ranges, [time](TimeRange range) { return range.max < time; });
  }
  std::erase_if(ranges_, [](const auto& entry) { return entry.second.empty(); });
  return dropped > 0;
}

std::span<const TimeRange> BlockTombstones::RangesOf(SeriesId id) const {
  const auto found = ranges_.find(id);
  if (found == ranges_.end()) return {};
  return found->second;
}

std::string BlockTombstones::Encode() const {
  std::string out(kMagic);
  AppendVarint(out, ranges_.size());
  uint64_t last = 0;
  for (const auto& [id, ranges] : ranges_) {
    AppendVarint(out, static_cast<uint64_t>(id) - last);
    AppendVarint(out, ranges.size());
    for (const TimeRange& range : ranges) {
      AppendVarint(out, ZigZag(ToMs(range.min)));
      AppendVarint(out, Length(range));
    }
    last = static_cast<uint64_t>(id);
  }
  AppendFixed64(out, BlockChecksum(out, 0));
  return out;
}

Result<BlockTombstones> BlockTombstones::Decode(std::string_view bytes) {
  if (!bytes.starts_with(kMagic) || bytes.size() < kMagic.size() + kChecksumBytes) {
    return Malformed("cut off, or another kind of file");
  }
  const std::string_view checked = bytes.substr(0, bytes.size() - kChecksumBytes);
  if (LoadFixed64(checked.data() + checked.size()) != BlockChecksum(checked, 0)) {
    return Malformed("the checksum does not match");
  }
  ByteReader in(checked.substr(kMagic.size()));
  BlockTombstones tombstones;
  uint64_t id = 0;
  for (uint64_t series = in.Uvarint(); series > 0 && in.ok(); --series) {
    id += in.Uvarint();
    for (uint64_t ranges = in.Uvarint(); ranges > 0 && in.ok(); --ranges) {
      const int64_t min = in.Varint();
      const auto max = static_cast<int64_t>(static_cast<uint64_t>(min) + in.Uvarint());
      tombstones.Add(SeriesId{id}, {FromMs(min), FromMs(max)});
    }
  }
  if (!in.ok() || !in.at_end()) return Malformed("malformed");
  return tombstones;
}

}  // namespace barograph::tsdb
