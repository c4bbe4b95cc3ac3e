#pragma once

#include <atomic>

#include "base/time.h"

namespace barograph::test {

/// A clock that stands until it is turned. Wall time and monotonic time move together, except
/// where Set makes the wall time jump. Thread-safe.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Timestamp now = FromMs(1'700'000'000'000)) : now_ms_(ToMs(now)) {}

  Timestamp Now() const override { return FromMs(now_ms_); }
  std::chrono::nanoseconds Monotonic() const override {
    return std::chrono::nanoseconds(monotonic_ns_);
  }

  void Advance(std::chrono::nanoseconds by) {
    monotonic_ns_ += by.count();
    now_ms_ += std::chrono::duration_cast<Duration>(by).count();
  }
  void Set(Timestamp now) { now_ms_ = ToMs(now); }

 private:
  std::atomic<int64_t> now_ms_;
  std::atomic<int64_t> monotonic_ns_{0};
};

}  // namespace barograph::test
