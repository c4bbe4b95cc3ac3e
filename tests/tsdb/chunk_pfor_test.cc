#include "tsdb/chunk/pfor.h"

#include <catch2/catch.hpp>
#include <random>
#include <vector>

namespace barograph::tsdb {
namespace {

/// Reads from an allocation that ends where the bytes end.
std::vector<uint64_t> ReadExact(const std::string& bytes, size_t count, bool& whole) {
  const std::vector<char> in(bytes.begin(), bytes.end());
  std::vector<uint64_t> out(kBlockSize);
  const char* const end = in.data() + in.size();
  whole = ReadBlock(in.data(), end, count, out.data()) == end;
  out.resize(count);
  return out;
}

std::string Encoded(const std::vector<uint64_t>& integers) {
  std::vector<PforPlan> plans;
  std::string bytes;
  REQUIRE(PlanBlocks(integers, plans) % 8 == 0);
  AppendBlocks(integers, plans, bytes);
  return bytes;
}

void CheckRoundTrip(const std::vector<uint64_t>& integers) {
  const PforPlan plan = PlanBlock(integers);
  std::string bytes;
  AppendBlock(integers, plan, bytes);
  REQUIRE(bytes.size() * 8 == plan.bits);
  bool whole = false;
  REQUIRE(ReadExact(bytes, integers.size(), whole) == integers);
  REQUIRE(whole);
}

TEST_CASE("A block of equal integers takes no bits for them") {
  CHECK(Encoded(std::vector<uint64_t>(kBlockSize, 7)) == std::string("\x00\x0e", 2));
  CHECK(Encoded(std::vector<uint64_t>(kBlockSize + 1, 7)) == std::string("\x00\x0e\x00\x0e", 4));
}

TEST_CASE("One integer far from the rest does not widen the block") {
  std::vector<uint64_t> integers(kBlockSize);
  for (size_t i = 0; i < integers.size(); ++i) integers[i] = 100 + i % 8;
  integers[77] = static_cast<uint64_t>(-1'000'000);
  const PforPlan plan = PlanBlock(integers);
  CHECK(plan.reference == 100);
  CHECK(plan.width == 3);
  CheckRoundTrip(integers);
}

TEST_CASE("Random blocks of every width and count survive") {
  std::mt19937_64 random(2);
  for (unsigned width = 0; width <= 64; ++width) {
    for (size_t count = 1; count <= kBlockSize; count += 1 + random() % 9) {
      std::vector<uint64_t> integers(count);
      const uint64_t reference = random() >> (random() % 64);
      for (uint64_t& integer : integers) {
        integer = reference + (width == 0 ? 0 : random() >> (64 - width));
        if (random() % 16 == 0) integer = random() >> (random() % 64);
      }
      CheckRoundTrip(integers);
    }
  }
}

TEST_CASE("The ends of the integer range survive side by side") {
  const auto lowest = static_cast<uint64_t>(INT64_MIN);
  const auto highest = static_cast<uint64_t>(INT64_MAX);
  CheckRoundTrip({lowest, highest});
  CheckRoundTrip({highest, lowest, 0, lowest, highest, ~uint64_t{0}});
  std::vector<uint64_t> mostly_zero(kBlockSize, 0);
  mostly_zero[3] = lowest;
  mostly_zero[90] = highest;
  CheckRoundTrip(mostly_zero);
}

TEST_CASE("A block that is cut short, or whose fields are impossible, is refused") {
  std::vector<uint64_t> integers(kBlockSize);
  for (size_t i = 0; i < integers.size(); ++i) integers[i] = i % 5;
  integers[5] = 1u << 30;
  const std::string bytes = Encoded(integers);
  bool whole = true;
  for (size_t size = 1; size < bytes.size(); ++size) {
    ReadExact(bytes.substr(0, size), integers.size(), whole);
    CHECK_FALSE(whole);
  }
  std::string wide = bytes;
  wide[0] = static_cast<char>(0x80 | 65);
  ReadExact(wide, integers.size(), whole);
  CHECK_FALSE(whole);
  // The exception's position lies outside a shorter block.
  std::vector<uint64_t> last_is_far(16);
  last_is_far.back() = 1u << 20;
  const std::string outside = Encoded(last_is_far);
  ReadExact(outside, 15, whole);
  CHECK_FALSE(whole);
}

}  // namespace
}  // namespace barograph::tsdb
