#include "tsdb/windows.h"

#include <catch2/catch.hpp>
#include <random>

namespace barograph::tsdb {
namespace {

constexpr Duration kHour = std::chrono::hours(1);
const std::vector<Duration> kLengths = WindowLengths(2 * kHour, 36 * kHour);

Timestamp Hours(int64_t hours) { return FromMs(0) + hours * kHour; }

BlockMeta Block(int64_t from_hour, int64_t to_hour, uint64_t bytes = 1000) {
  BlockMeta meta;
  meta.origin.window = {Hours(from_hour), Hours(to_hour) - Duration(1)};
  meta.range = meta.origin.window;
  meta.stats.bytes = bytes;
  return meta;
}

std::vector<size_t> Plan(const std::vector<BlockMeta>& blocks) {
  return PlanMerge(blocks, kLengths);
}

}  // namespace

TEST_CASE("Windows are three times as long from level to level, up to the longest") {
  CHECK(kLengths == std::vector<Duration>{2 * kHour, 6 * kHour, 18 * kHour});
  CHECK(WindowLengths(2 * kHour, 2 * kHour) == std::vector<Duration>{2 * kHour});
}

TEST_CASE("A window is aligned to the epoch, also before it") {
  CHECK(WindowOf(Hours(3), 2 * kHour) == TimeRange{Hours(2), Hours(4) - Duration(1)});
  CHECK(WindowOf(Hours(2), 2 * kHour) == TimeRange{Hours(2), Hours(4) - Duration(1)});
  CHECK(WindowOf(Hours(-1), 2 * kHour) == TimeRange{Hours(-2), Hours(0) - Duration(1)});
  CHECK(WindowOf(Hours(-2), 2 * kHour) == TimeRange{Hours(-2), Hours(0) - Duration(1)});
}

TEST_CASE("Windows cover a range without gaps, and are longer the further back they are") {
  std::mt19937_64 random(3);
  for (int i = 0; i < 200; ++i) {
    const Timestamp cut = Hours(2 * static_cast<int64_t>(random() % 1000));
    const TimeRange range{cut - Duration(random() % (200 * kHour.count())), kMaxTimestamp};
    const auto windows = WindowsBefore(cut, range, kLengths);
    if (range.min >= cut) {
      CHECK(windows.empty());
      continue;
    }
    REQUIRE(windows.front().Contains(range.min));
    REQUIRE(windows.back().max == cut - Duration(1));
    for (size_t w = 1; w < windows.size(); ++w) {
      REQUIRE(windows[w].min == windows[w - 1].max + Duration(1));
      REQUIRE(windows[w].max - windows[w].min <= windows[w - 1].max - windows[w - 1].min);
    }
  }
  CHECK(WindowsBefore(Hours(100'000), {Hours(0), kMaxTimestamp}, kLengths).size() < 5600);
}

TEST_CASE("Blocks of a window that is over become one") {
  CHECK(Plan({}).empty());
  CHECK(Plan({Block(0, 2), Block(2, 4), Block(4, 6)}).empty());
  CHECK(Plan({Block(0, 2), Block(2, 4), Block(4, 6), Block(6, 8)}) == std::vector<size_t>{0, 1, 2});
  CHECK(Plan({Block(6, 8), Block(4, 6), Block(0, 2)}) == std::vector<size_t>{1, 2});
  CHECK(Plan({Block(0, 6), Block(6, 12), Block(12, 18), Block(18, 20)}) ==
        std::vector<size_t>{0, 1, 2});
  CHECK(Plan({Block(0, 18), Block(18, 20), Block(20, 22)}).empty());
}

TEST_CASE("Blocks that overlap are merged when they are many, or of like size") {
  CHECK(Plan({Block(0, 2), Block(0, 2)}) == std::vector<size_t>{0, 1});
  CHECK(Plan({Block(0, 18, 100'000), Block(2, 4, 10), Block(18, 20)}).empty());
  CHECK(Plan({Block(0, 18, 100'000), Block(2, 4, 10), Block(4, 6, 10), Block(6, 8, 10)}) ==
        std::vector<size_t>{0, 1, 2, 3});
  CHECK(Plan({Block(0, 18, 100'000), Block(0, 18, 30'000), Block(18, 20)}) ==
        std::vector<size_t>{0, 1});
}

TEST_CASE("The window around a range is the smallest that holds it") {
  CHECK(WindowAround({Hours(1), Hours(2) - Duration(1)}, kLengths) ==
        TimeRange{Hours(0), Hours(2) - Duration(1)});
  CHECK(WindowAround({Hours(1), Hours(3)}, kLengths) ==
        TimeRange{Hours(0), Hours(6) - Duration(1)});
  const TimeRange too_long{Hours(1), Hours(100)};
  CHECK(WindowAround(too_long, kLengths) == too_long);
}

}  // namespace barograph::tsdb
