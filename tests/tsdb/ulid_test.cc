#include "tsdb/ulid.h"

#include <catch2/catch.hpp>

namespace barograph::tsdb {
namespace {

TEST_CASE("A ULID prints and parses as the specification has it") {
  const Ulid ulid = Ulid::Make(FromMs(1469918176385), 0xd676, 0x4c61efb99302bd5b);
  CHECK(ulid.ToString() == "01ARYZ6S41TSV4RRFFQ69G5FAV");
  CHECK(ulid.time() == FromMs(1469918176385));
  CHECK(Ulid::Parse("01ARYZ6S41TSV4RRFFQ69G5FAV") == ulid);
  CHECK(Ulid::Parse("01aryz6s41tsv4rrffq69g5fav") == ulid);
}

TEST_CASE("What is no ULID is refused") {
  CHECK_FALSE(Ulid::Parse(""));
  CHECK_FALSE(Ulid::Parse("01ARYZ6S41TSV4RRFFQ69G5FA"));
  CHECK_FALSE(Ulid::Parse("01ARYZ6S41TSV4RRFFQ69G5FAU"));  // U is no digit
  CHECK_FALSE(Ulid::Parse("81ARYZ6S41TSV4RRFFQ69G5FAV"));  // more than 128 bits
}

TEST_CASE("ULIDs sort by time, as text too, and chance tells them apart") {
  const Ulid early = Ulid::Make(FromMs(1000));
  const Ulid late = Ulid::Make(FromMs(1001));
  CHECK(early < late);
  CHECK(early.ToString() < late.ToString());
  CHECK(Ulid::Make(FromMs(1000)) != early);
  CHECK(Ulid::Make(FromMs(-5)).time() == FromMs(0));
}

}  // namespace
}  // namespace barograph::tsdb
