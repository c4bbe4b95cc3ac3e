#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

#include "tsdb/index/id_codec.h"
#include "tsdb/index/keys.h"

// docs/formats/index.md, byte for byte.

namespace barograph::tsdb::index {
namespace {

std::string Hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    out += kDigits[static_cast<uint8_t>(c) >> 4];
    out += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return out;
}

Roaring SetOf(const std::vector<uint32_t>& ids) { return {ids.size(), ids.data()}; }

std::string Encoded(const std::vector<uint32_t>& ids) { return EncodeIds(SetOf(ids)); }

Roaring Decoded(std::string_view bytes) {
  Roaring set;
  REQUIRE(DecodeIds(bytes, set));
  return set;
}

}  // namespace

TEST_CASE("The keys of the index are what its format says") {
  CHECK(Hex(SeriesKey(SeriesId{258})) == "0000000000000102");
  CHECK(ParseSeriesKey(SeriesKey(SeriesId{258})) == SeriesId{258});
  CHECK(Hex(IdKeyPrefix(0x0123456789abcdef)) == "0123456789ab");
  CHECK(Hex(IdKey(0x0123456789abcdef, SeriesId{300})) == "0123456789abac02");
  CHECK(ParseIdKey(IdKey(~uint64_t{0}, SeriesId{300})) == SeriesId{300});

  const PartKey part{PartitionId{20000}, 1};
  CHECK(Hex(PartPrefix(part)) == "80004e2000000001");
  CHECK(Hex(PartPrefix({PartitionId{-1}, 0})) == "7fffffff00000000");
  CHECK(ParsePartPrefix(PostingsKey(part, "job", "x")) == part);
  CHECK(Hex(PostingsKey(part, "job", "x")) ==
        "80004e2000000001"
        "03"
        "6a6f62"
        "78");
  CHECK(Hex(PostingsKey(part, "job", "")) ==
        "80004e2000000001"
        "03"
        "6a6f62");
  CHECK(Hex(PostingsKey(part, "", "")) ==
        "80004e2000000001"
        "00");
  CHECK(ParseName(PostingsKey(part, "job", "x")) == "job");
}

TEST_CASE("Keys that are none are not read") {
  CHECK_FALSE(ParseSeriesKey("1234567"));
  CHECK_FALSE(ParseIdKey("12345"));
  CHECK_FALSE(ParseIdKey("123456"));
  CHECK_FALSE(ParseIdKey("123456\x01 "));
  CHECK_FALSE(ParsePartPrefix("1234567"));
  CHECK_FALSE(ParseName("12345678"));
  CHECK_FALSE(
      ParseName("12345678\x05"
                "1234"));
}

TEST_CASE("The key after a prefix is above all that begin with it") {
  CHECK(After("ab") == "ac");
  CHECK(After("a\xff") == "b");
  CHECK(After("\xff\xff").empty());
}

TEST_CASE("A day begins at midnight UTC, before the epoch too") {
  constexpr int64_t kDayMs = 86'400'000;
  CHECK(PartitionOf(FromMs(0)) == PartitionId{0});
  CHECK(PartitionOf(FromMs(kDayMs - 1)) == PartitionId{0});
  CHECK(PartitionOf(FromMs(kDayMs)) == PartitionId{1});
  CHECK(PartitionOf(FromMs(-1)) == PartitionId{-1});
  CHECK(PartitionOf(FromMs(-kDayMs)) == PartitionId{-1});
  CHECK(PartitionOf(kMinTimestamp) == kFirstPartition);
  CHECK(PartitionOf(kMaxTimestamp) == kLastPartition);
}

TEST_CASE("Sets of ids are what the format says") {
  CHECK(Hex(Encoded({})) == "00");
  CHECK(Hex(Encoded({5})) ==
        "00"
        "0a");
  CHECK(Hex(Encoded({5, 7})) ==
        "00"
        "0a"
        "00");
  CHECK(Hex(Encoded({5, 6, 7, 300})) ==
        "00"
        "0b"
        "01"
        "c604");
  CHECK(Hex(Encoded({0xffffffff})) ==
        "00"
        "feffffff1f");
  // Every other of many: bits are fewer.
  std::vector<uint32_t> ids;
  for (uint32_t id = 1; id < 64; id += 2) ids.push_back(64 + id);
  CHECK(Hex(Encoded(ids)) ==
        "01"
        "01"
        "aaaaaaaaaaaaaaaa");
}

TEST_CASE("Any set of ids comes back as it was") {
  const auto seed = GENERATE(range(1U, 41U));
  CAPTURE(seed);
  std::mt19937 random(seed);
  Roaring set;
  for (int runs = static_cast<int>(random() % 2000); runs > 0; --runs) {
    const uint32_t first = random() >> (random() % 32);
    const uint64_t size = 1 + (random() % 3 == 0 ? random() % 5000 : 0);
    set.addRange(first, std::min(uint64_t{first} + size, uint64_t{1} << 32));
  }
  if (seed % 3 == 0) {
    for (uint32_t id = 0; id < 20'000; ++id) {
      if (random() % 2 == 0) set.add(1'000'000 + id);
    }
  }
  CHECK(Decoded(EncodeIds(set)) == set);
}

TEST_CASE("Bytes that are no set are refused") {
  const std::string bad = GENERATE(
      as<std::string>(), "", "\x02", "\x01", "\x01\x80", std::string("\x01\x00\x01", 3),
      std::string("\x00\x80", 2), std::string("\x00\x01", 2),
      std::string("\x00\x80\x80\x80\x80\x40", 6), std::string("\x00\x01\xff\xff\xff\xff\x0f", 7),
      std::string("\x00\xfe\xff\xff\xff\x1f\x00", 7),
      std::string("\x01\x80\x80\x80\x20\x01\x00\x00\x00\x00\x00\x00\x00", 13));
  CAPTURE(Hex(bad));
  Roaring set;
  CHECK_FALSE(DecodeIds(bad, set));
}

TEST_CASE("No bytes make the reader of sets fall") {
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes(random() % 24, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    if (!bytes.empty()) bytes[0] = static_cast<char>(random() % 3);
    Roaring set;
    if (!DecodeIds(bytes, set)) continue;
    // A few bytes may be thousands of millions of ids, which are slow to encode one by one.
    if (set.cardinality() < 1'000'000) CHECK(Decoded(EncodeIds(set)) == set);
  }
}

}  // namespace barograph::tsdb::index
