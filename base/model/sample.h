#pragma once

#include <bit>
#include <cstdint>
#include <limits>

#include "base/time.h"

/// Samples and the two NaNs that mean something.
namespace barograph {

/// Names a series for ever: dense, from 1, never reused. 0 is no series.
enum class SeriesId : uint64_t {};
inline constexpr SeriesId kNoSeries{0};

/// Written where a series ends: its next query sees no value (Prometheus's staleness marker).
inline constexpr uint64_t kStaleNanBits = 0x7ff0000000000002;
/// Any other NaN is stored as it came; this is the one that parsers make of the text "NaN".
inline constexpr uint64_t kNormalNanBits = 0x7ff8000000000001;

inline constexpr double kStaleNan = std::bit_cast<double>(kStaleNanBits);
inline constexpr double kNormalNan = std::bit_cast<double>(kNormalNanBits);
inline constexpr double kInf = std::numeric_limits<double>::infinity();

constexpr bool IsStale(double value) { return std::bit_cast<uint64_t>(value) == kStaleNanBits; }

/// Equality to the bit: NaN payloads and the sign of zero count.
constexpr bool SameBits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

struct Sample {
  Timestamp timestamp;
  double value = 0;
};

/// The start timestamp (in OpenMetrics: created) of a sample of which nobody told when what it
/// counts began.
inline constexpr Timestamp kUnknownStart{};

}  // namespace barograph
