#include "base/containers.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace barograph {
namespace {

TEST_CASE("A container that is freed has neither elements nor room") {
  std::vector<int> numbers(1000, 1);
  FreeMemory(numbers);
  CHECK(numbers.capacity() == 0);
  std::string text(1000, 'x');
  FreeMemory(text);
  CHECK(text.capacity() == std::string().capacity());
}

TEST_CASE("A vector that grows tightly has an eighth of its size as room to spare") {
  std::vector<int> numbers;
  size_t moves = 0;
  for (size_t size = 1; size <= 100'000; ++size) {
    const size_t had = numbers.capacity();
    GrowTight(numbers, size);
    numbers.push_back(0);
    moves += numbers.capacity() != had;
    REQUIRE(numbers.capacity() <= size + size / 8 + 8);
  }
  CHECK(moves < 120);
}

}  // namespace
}  // namespace barograph
