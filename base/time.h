#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

/// Time as the product sees it: timestamps are milliseconds since the Unix epoch, as in
/// Prometheus, and may lie before it.
namespace barograph {

using Duration = std::chrono::milliseconds;
using Timestamp = std::chrono::sys_time<Duration>;

constexpr int64_t ToMs(Timestamp t) { return t.time_since_epoch().count(); }
constexpr Timestamp FromMs(int64_t ms) { return Timestamp(Duration(ms)); }
constexpr double ToSeconds(Duration d) { return static_cast<double>(d.count()) / 1000.0; }
constexpr double ToSeconds(Timestamp t) { return ToSeconds(t.time_since_epoch()); }

/// The ends of time, with room to add or subtract any Duration of up to 140 million years.
inline constexpr Timestamp kMinTimestamp = FromMs(std::numeric_limits<int64_t>::min() / 2);
inline constexpr Timestamp kMaxTimestamp = FromMs(std::numeric_limits<int64_t>::max() / 2);

/// All t with min <= t <= max.
struct TimeRange {
  Timestamp min = kMinTimestamp;
  Timestamp max = kMaxTimestamp;

  constexpr bool Contains(Timestamp t) const { return min <= t && t <= max; }
  constexpr bool Overlaps(TimeRange other) const { return min <= other.max && other.min <= max; }
  bool operator==(const TimeRange&) const = default;
};

/// Where the time comes from; tests put a clock in its place that they turn by hand.
/// Implementations are thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  /// Wall time. It may jump, in both directions.
  virtual Timestamp Now() const = 0;

  /// Time that only goes forward, from an arbitrary origin. For measuring and for deadlines.
  virtual std::chrono::nanoseconds Monotonic() const = 0;
};

/// The machine's clock.
const Clock& SystemClock();

}  // namespace barograph
