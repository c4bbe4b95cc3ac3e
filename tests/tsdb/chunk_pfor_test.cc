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

/// One integer in `share` is some times 64 above the rest, which are 0..7.
std::vector<uint64_t> OfTwoParts(size_t count, size_t share) {
  std::mt19937_64 random(5);
  std::vector<uint64_t> integers(count);
  for (uint64_t& integer : integers) {
    integer = random() % 8 + (random() % share == 0 ? random() % 8 * 64 : 0);
  }
  return integers;
}

TEST_CASE("Many high parts are split off into a block of their own") {
  const std::vector<uint64_t> many = OfTwoParts(kBlockSize, 3);
  CHECK(PlanBlock(many).split);
  CheckRoundTrip(many);
  CHECK_FALSE(PlanBlock(OfTwoParts(kBlockSize, 40)).split);
  CHECK_FALSE(PlanBlock(OfTwoParts(kBlockSize, 1)).split);
}

TEST_CASE("Split blocks of every count survive, with high parts on both sides and far away") {
  for (size_t count = 8; count <= kBlockSize; ++count) {
    CAPTURE(count);
    std::vector<uint64_t> integers = OfTwoParts(count, 3);
    CheckRoundTrip(integers);
    for (size_t i = 0; i < count; i += 5) integers[i] -= 8 * (i % 4);
    CheckRoundTrip(integers);
    integers[count / 2] = uint64_t{1} << 61;
    integers[count / 3] = 0 - (uint64_t{1} << 61);
    CheckRoundTrip(integers);
  }
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
  wide[0] = static_cast<char>(0xff);
  ReadExact(wide, integers.size(), whole);
  CHECK_FALSE(whole);
  // The exception's position lies outside a shorter block.
  std::vector<uint64_t> last_is_far(16);
  last_is_far.back() = 1u << 20;
  const std::string outside = Encoded(last_is_far);
  ReadExact(outside, 15, whole);
  CHECK_FALSE(whole);
}

TEST_CASE("A split block that is cut short, or whose high parts are impossible, is refused") {
  const std::vector<uint64_t> integers = OfTwoParts(100, 3);
  const std::string bytes = Encoded(integers);
  REQUIRE(PlanBlock(integers).split);
  bool whole = true;
  for (size_t size = 1; size < bytes.size(); ++size) {
    ReadExact(bytes.substr(0, size), integers.size(), whole);
    CHECK_FALSE(whole);
  }
  const size_t bitmap = 2 + PackedBytes(integers.size(), PlanBlock(integers).width);
  const size_t bitmap_bytes = 13;  // of 100 bits
  std::string none = bytes;
  none.replace(bitmap, bitmap_bytes, bitmap_bytes, '\0');
  ReadExact(none, integers.size(), whole);
  CHECK_FALSE(whole);
  std::string beyond = bytes;
  beyond[bitmap + bitmap_bytes - 1] = static_cast<char>(0xf0);
  ReadExact(beyond, integers.size(), whole);
  CHECK_FALSE(whole);
  std::string twice = bytes;
  twice[bitmap + bitmap_bytes] = bytes[0];
  ReadExact(twice, integers.size(), whole);
  CHECK_FALSE(whole);
}

}  // namespace
}  // namespace barograph::tsdb
