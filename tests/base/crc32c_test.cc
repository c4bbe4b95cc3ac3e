#include "base/bytes/crc32c.h"

#include <catch2/catch.hpp>
#include <random>
#include <string>

namespace barograph {
namespace {

TEST_CASE("CRC-32C gives the values of RFC 3720") {
  CHECK(Crc32c("") == 0);
  CHECK(Crc32c("123456789") == 0xe3069283);
  CHECK(Crc32c(std::string(32, '\0')) == 0x8a9136aa);
  CHECK(Crc32c(std::string(32, '\xff')) == 0x62a8ab43);
}

TEST_CASE("CRC-32C is the same with tables and in pieces") {
  std::mt19937 random(1);
  std::string bytes(1000, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  const std::string_view all = bytes;
  for (size_t size = 0; size < all.size(); size += 13) {
    const uint32_t whole = Crc32c(all.substr(3, size));
    CHECK(Crc32cPortable(all.substr(3, size)) == whole);
    const size_t cut = size / 3;
    CHECK(Crc32c(all.substr(3 + cut, size - cut), Crc32c(all.substr(3, cut))) == whole);
  }
}

}  // namespace
}  // namespace barograph
