#include "base/memory_limit.h"

#include <catch2/catch.hpp>
#include <vector>

#include "tests/support/manual_clock.h"

namespace barograph::test {
namespace {

using namespace std::chrono_literals;

TEST_CASE("The system's memory and the process's own are found out") {
  CHECK(SystemMemoryBytes() > 1 << 20);
  const uint64_t before = OwnMemoryBytes();
  const std::vector<char> more(64 << 20, 'x');
  asm volatile("" : : "r"(more.data()) : "memory");  // or the compiler leaves it out
  CHECK(OwnMemoryBytes() >= before + (32 << 20));
}

TEST_CASE("A limit tells what is left, and when that is little; it looks ten times a second") {
  ManualClock clock;
  uint64_t used = 500;
  int looks = 0;
  const MemoryLimit limit(1000, clock, [&] {
    ++looks;
    return used;
  });
  CHECK(limit.left_bytes() == 500);
  CHECK_FALSE(limit.tight());
  used = 950;
  CHECK(limit.left_bytes() == 500);
  CHECK(looks == 1);
  clock.Advance(100ms);
  CHECK(limit.left_bytes() == 50);
  CHECK(limit.tight());
  used = 2000;
  clock.Advance(1s);
  CHECK(limit.left_bytes() == 0);
}

TEST_CASE("Without a limit there is always enough") {
  const ManualClock clock;
  const MemoryLimit none(0, clock);
  CHECK(none.left_bytes() == UINT64_MAX);
  CHECK_FALSE(none.tight());
}

}  // namespace
}  // namespace barograph::test
