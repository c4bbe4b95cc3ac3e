#include <catch2/catch.hpp>

#include "server/scrape/scrape_schedule.h"

namespace barograph::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("timestamps a little behind the tick are moved to it") {
  ScrapeSchedule schedule(seconds(1), milliseconds(2));
  const auto align = [&](int64_t ms) { return ToMs(schedule.Align(FromMs(ms))); };
  CHECK(align(100) == 100);
  CHECK(align(1102) == 1100);
  CHECK(align(2103) == 2103);
  CHECK(align(3100) == 3100);
  CHECK(align(4099) == 4099);
  CHECK(align(9101) == 9100);
}

TEST_CASE("the tolerance is at most a hundredth of the interval, and may be nothing") {
  ScrapeSchedule schedule(milliseconds(100), milliseconds(2));
  CHECK(ToMs(schedule.Align(FromMs(0))) == 0);
  CHECK(ToMs(schedule.Align(FromMs(101))) == 100);
  CHECK(ToMs(schedule.Align(FromMs(202))) == 202);
  ScrapeSchedule exact(seconds(1), milliseconds(0));
  CHECK(ToMs(exact.Align(FromMs(0))) == 0);
  CHECK(ToMs(exact.Align(FromMs(1001))) == 1001);
}

TEST_CASE("a wall clock that is set back is taken as it is") {
  ScrapeSchedule schedule(seconds(1), milliseconds(2));
  CHECK(ToMs(schedule.Align(FromMs(5000))) == 5000);
  CHECK(ToMs(schedule.Align(FromMs(3000))) == 3000);
}

TEST_CASE("a missed tick is made up for once, in phase") {
  ScrapeSchedule schedule(seconds(10), milliseconds(2));
  schedule.Start(seconds(3));
  schedule.Advance(seconds(4));
  CHECK(schedule.next_tick() == seconds(13));
  schedule.Advance(seconds(47));  // served 13; 23, 33 and 43 passed
  CHECK(schedule.next_tick() == seconds(43));
  schedule.Advance(seconds(48));
  CHECK(schedule.next_tick() == seconds(53));
  schedule.SkipTo(seconds(53));
  CHECK(schedule.next_tick() == seconds(63));
}

}  // namespace
}  // namespace barograph::server
