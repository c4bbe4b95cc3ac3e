#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/time.h"

/// When a target's scrapes are due, and at which timestamp they are stored.
namespace barograph::server {

/// Ticks are of the monotonic clock, an interval apart, for ever in phase. Timestamps are of the
/// wall clock. Not thread-safe.
class ScrapeSchedule {
 public:
  /// A timestamp at most `tolerance`, and at most 1 % of the interval, behind its tick is moved
  /// to the tick: timers are late by a little, and even distances store smaller.
  ScrapeSchedule(Duration interval, Duration tolerance)
      : interval_(interval), tolerance_(std::min(interval / 100, tolerance)) {}

  void Start(std::chrono::nanoseconds first_tick) { next_tick_ = first_tick; }
  std::chrono::nanoseconds next_tick() const { return next_tick_; }

  /// The tick at next_tick() has been served by `now`. One that was missed meanwhile is made up
  /// for at once, more than one are not.
  void Advance(std::chrono::nanoseconds now) {
    const std::chrono::nanoseconds interval = interval_;
    next_tick_ += std::max<int64_t>((now - next_tick_) / interval, 1) * interval;
  }

  /// To the first tick after `now`.
  void SkipTo(std::chrono::nanoseconds now) {
    const std::chrono::nanoseconds interval = interval_;
    if (now >= next_tick_) next_tick_ += ((now - next_tick_) / interval + 1) * interval;
  }

  /// The timestamp of a scrape that starts at `now`; the first one sets the phase.
  Timestamp Align(Timestamp now) {
    if (!aligned_) aligned_ = now;
    if (now - *aligned_ >= interval_) *aligned_ += (now - *aligned_) / interval_ * interval_;
    const Duration late = now - *aligned_;
    return late >= Duration(0) && late <= tolerance_ ? *aligned_ : now;
  }

 private:
  Duration interval_;
  Duration tolerance_;
  std::chrono::nanoseconds next_tick_{0};
  std::optional<Timestamp> aligned_;
};

}  // namespace barograph::server
