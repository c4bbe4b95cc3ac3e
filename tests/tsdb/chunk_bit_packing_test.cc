#include "tsdb/chunk/bit_packing.h"

#include <catch2/catch.hpp>
#include <random>
#include <vector>

namespace barograph::tsdb {
namespace {

using UnpackFunction = void (*)(const char*, size_t, unsigned, uint64_t, uint64_t*);

std::vector<uint64_t> UnpackWith(UnpackFunction unpack, std::string packed, size_t count,
                                 unsigned width) {
  // The allocation ends where the contract ends, so that ASan sees a step too far.
  packed.resize(PackedBytes(count, width) + kUnpackSlack, '\x5a');
  const std::vector<char> in(packed.begin(), packed.end());
  std::vector<uint64_t> out((count + kUnpackGroup - 1) / kUnpackGroup * kUnpackGroup);
  constexpr uint64_t kAddend = 0xfedc'ba98'7654'3210;
  unpack(in.data(), count, width, kAddend, out.data());
  out.resize(count);
  for (uint64_t& integer : out) integer -= kAddend;
  return out;
}

using UnpackToEnd = void (*)(const char*, const char*, size_t, unsigned, uint64_t, uint64_t*);

/// The same of those that are told where the bytes end: right behind the packed ones, or later.
std::vector<uint64_t> UnpackWith(UnpackToEnd unpack, const std::string& packed, size_t count,
                                 unsigned width) {
  std::vector<uint64_t> integers;
  for (const size_t behind : {size_t{0}, size_t{9}, size_t{64}, 2 * kUnpackSlack}) {
    std::vector<char> in(packed.begin(), packed.end());
    in.resize(packed.size() + behind, '\x5a');
    std::vector<uint64_t> out((count + kUnpackGroup - 1) / kUnpackGroup * kUnpackGroup);
    constexpr uint64_t kAddend = 0xfedc'ba98'7654'3210;
    unpack(in.data(), in.data() + in.size(), count, width, kAddend, out.data());
    out.resize(count);
    for (uint64_t& integer : out) integer -= kAddend;
    if (behind > 0) REQUIRE(out == integers);
    integers = out;
  }
  return integers;
}

std::vector<uint64_t> RandomIntegers(size_t count, unsigned width, std::mt19937_64& random) {
  std::vector<uint64_t> integers(count);
  for (uint64_t& integer : integers) integer = width == 0 ? 0 : random() >> (64 - width);
  return integers;
}

TEST_CASE("Every width and count unpacks to what was packed, by every implementation") {
  std::mt19937_64 random(1);
  for (unsigned width = 0; width <= 64; ++width) {
    for (size_t count = 0; count <= kBlockSize; ++count) {
      const std::vector<uint64_t> integers = RandomIntegers(count, width, random);
      std::string packed = "front";
      AppendPacked(integers.data(), count, width, packed);
      REQUIRE(packed.size() == 5 + PackedBytes(count, width));
      REQUIRE(packed.starts_with("front"));
      packed.erase(0, 5);
      REQUIRE(UnpackWith(UnpackPortable, packed, count, width) == integers);
      REQUIRE(UnpackWith(Unpack, packed, count, width) == integers);
      if (HasAvx2()) REQUIRE(UnpackWith(UnpackAvx2, packed, count, width) == integers);
      if (HasAvx512()) REQUIRE(UnpackWith(UnpackAvx512, packed, count, width) == integers);
    }
  }
}

TEST_CASE("The lowest and the highest value of every width keep their neighbours intact") {
  for (unsigned width = 1; width <= 64; ++width) {
    std::vector<uint64_t> integers(kBlockSize);
    for (size_t i = 0; i < kBlockSize; ++i) {
      integers[i] = i % 3 == 0 ? ~uint64_t{0} >> (64 - width) : 0;
    }
    std::string packed;
    AppendPacked(integers.data(), integers.size(), width, packed);
    REQUIRE(UnpackWith(Unpack, packed, kBlockSize, width) == integers);
    REQUIRE(UnpackWith(UnpackPortable, packed, kBlockSize, width) == integers);
  }
}

TEST_CASE("Bits above the width are not packed") {
  const std::vector<uint64_t> integers = {0xff, 0x0f, 0xf0};
  std::string packed;
  AppendPacked(integers.data(), integers.size(), 4, packed);
  CHECK(packed == std::string("\xff\x00", 2));
}

}  // namespace
}  // namespace barograph::tsdb
