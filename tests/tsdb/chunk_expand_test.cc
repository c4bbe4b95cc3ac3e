#include "tsdb/chunk/expand.h"

#include <array>
#include <catch2/catch.hpp>
#include <random>
#include <span>
#include <vector>

#include "tsdb/chunk/bit_packing.h"

namespace barograph::tsdb {
namespace {

using ExpandFunction = const uint64_t* (*)(const uint64_t*, size_t, const uint64_t*, uint64_t*);

// The allocations end where the contract ends, so that ASan sees a step too far.
std::vector<uint64_t> ExpandWith(ExpandFunction expand, const std::vector<bool>& is_set,
                                 std::vector<uint64_t> nonzero, size_t& used) {
  std::vector<uint64_t> bits((is_set.size() + 63) / 64);
  for (size_t i = 0; i < is_set.size(); ++i) bits[i / 64] |= uint64_t{is_set[i]} << (i % 64);
  nonzero.resize(nonzero.size() + kExpandSlack, 0x5a5a);
  std::vector<uint64_t> out(is_set.size() + kExpandSlack);
  const uint64_t* const end = expand(bits.data(), is_set.size(), nonzero.data(), out.data());
  used = static_cast<size_t>(end - nonzero.data());
  out.resize(is_set.size());
  return out;
}

TEST_CASE("Integers stand where their bits are, by every implementation") {
  std::mt19937_64 random(1);
  for (size_t count = 0; count <= kBlockSize; ++count) {
    for (const uint64_t one_in : {1, 2, 7, 1000}) {
      std::vector<bool> is_set(count);
      std::vector<uint64_t> nonzero, expected(count);
      for (size_t i = 0; i < count; ++i) {
        if (random() % one_in != 0) continue;
        is_set[i] = true;
        nonzero.push_back(expected[i] = random());
      }
      size_t used = 0;
      REQUIRE(ExpandWith(ExpandPortable, is_set, nonzero, used) == expected);
      REQUIRE(used == nonzero.size());
      REQUIRE(ExpandWith(Expand, is_set, nonzero, used) == expected);
      REQUIRE(used == nonzero.size());
      if (!HasAvx2()) continue;
      REQUIRE(ExpandWith(ExpandAvx2, is_set, nonzero, used) == expected);
      REQUIRE(used == nonzero.size());
    }
  }
}

}  // namespace
}  // namespace barograph::tsdb
