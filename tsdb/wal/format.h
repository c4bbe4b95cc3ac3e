#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The bytes of a write-ahead log segment: frames around records. Format: docs/formats/wal.md.
namespace barograph::tsdb::wal {

inline constexpr std::string_view kSegmentMagic = "BAROWAL1";
inline constexpr char kFrameMarker = '\xB5';
inline constexpr size_t kFrameHeaderBytes = 12;
inline constexpr size_t kMaxPayloadBytes = size_t{64} << 20;

enum class RecordType : uint8_t {
  kSeries = 1,
  kRow = 2,
  kSamples = 3,
  kClose = 4,
  kDeletions = 5,
  kHistograms = 6,
  kExemplars = 7,  ///< in the log of exemplars only
};

struct Record {
  RecordType type;
  std::string_view payload;
};

/// A place in the log. It takes part in every checksum, so that bytes which look like a frame, but
/// were not written there, are not taken for one.
struct Position {
  uint64_t segment = 0;
  uint64_t offset = 0;
};

/// Appends the frame of `record`, which will stand at `at`.
void AppendFrame(std::string& out, const Record& record, Position at);

/// The record whose frame starts with `bytes` at `at`; nullopt when none that is whole does.
std::optional<Record> ReadFrame(std::string_view bytes, Position at);

/// The same, but for the payload's checksum: the payload may be anything.
std::optional<Record> ReadFrameUnchecked(std::string_view bytes, Position at);

/// 7 gives "00000007". The names of segments sort by number.
std::string SegmentName(uint64_t number);
std::optional<uint64_t> ParseSegmentName(std::string_view name);

}  // namespace barograph::tsdb::wal
