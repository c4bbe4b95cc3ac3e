#include "base/io_priority.h"

#include <catch2/catch.hpp>
#include <thread>

#include "tests/support/io_priority.h"

namespace barograph::test {
namespace {

TEST_CASE("Lowering the I/O priority is for the thread that asks, and for those that it makes") {
  const int before = IoPriorityOfThisThread();
  REQUIRE(before >= 0);
  int lowered = -1, inherited = -1;
  std::jthread([&] {
    LowerIoPriority();
    lowered = IoPriorityOfThisThread();
    std::jthread([&] { inherited = IoPriorityOfThisThread(); }).join();
  }).join();
  CHECK(lowered == kLowIoPriority);
  CHECK(inherited == kLowIoPriority);
  CHECK(IoPriorityOfThisThread() == before);
}

TEST_CASE("A thread that is served last already stays so") {
  int after = -1;
  std::jthread([&] {
    SetIoPriorityOfThisThread(kIdleIoPriority);
    LowerIoPriority();
    after = IoPriorityOfThisThread();
  }).join();
  CHECK(after == kIdleIoPriority);
}

}  // namespace
}  // namespace barograph::test
