#include "web/api/go_time.h"

#include <fmt/format.h>

namespace barograph::web {

namespace {

// Without the zone.
std::string Milliseconds(Timestamp time) {
  using namespace std::chrono;
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

}  // namespace

std::string FormatGoTime(Timestamp time) {
  std::string text = Milliseconds(time);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text + "Z";
}

std::string FormatLogTime(Timestamp time) { return Milliseconds(time) + "Z"; }

}  // namespace barograph::web
