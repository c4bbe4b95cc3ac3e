#include "base/deadline_watch.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <optional>

namespace barograph {
namespace {

using std::chrono::milliseconds;

// Waits for the stop, but not for ever.
bool StopsWithin(const std::stop_token& token, milliseconds most) {
  const auto give_up = SystemClock().Monotonic() + most;
  while (!token.stop_requested()) {
    if (SystemClock().Monotonic() >= give_up) return false;
    std::this_thread::sleep_for(milliseconds(1));
  }
  return true;
}

TEST_CASE("work is stopped when its deadline has passed, and not before") {
  DeadlineWatch watch(SystemClock());
  const auto now = SystemClock().Monotonic();
  const DeadlineWatch::Work late(watch, now + std::chrono::hours(1), {});
  const DeadlineWatch::Work soon(watch, now + milliseconds(20), {});
  CHECK(StopsWithin(soon.token(), std::chrono::seconds(20)));
  CHECK(SystemClock().Monotonic() - now >= milliseconds(20));
  CHECK_FALSE(late.token().stop_requested());
}

TEST_CASE("work is stopped with the outer token") {
  DeadlineWatch watch(SystemClock());
  std::stop_source outer;
  const DeadlineWatch::Work work(watch, SystemClock().Monotonic() + std::chrono::hours(1),
                                 outer.get_token());
  CHECK_FALSE(work.token().stop_requested());
  outer.request_stop();
  CHECK(work.token().stop_requested());
}

TEST_CASE("an earlier deadline is seen while the watch sleeps for one that was given up") {
  DeadlineWatch watch(SystemClock());
  std::optional<DeadlineWatch::Work> given_up(
      std::in_place, watch, SystemClock().Monotonic() + milliseconds(10), std::stop_token());
  given_up.reset();
  for (int i = 0; i < 20; ++i) {
    const DeadlineWatch::Work work(watch, SystemClock().Monotonic() + milliseconds(i % 3), {});
    CHECK(StopsWithin(work.token(), std::chrono::seconds(20)));
  }
}

}  // namespace
}  // namespace barograph
