#include "base/model/matcher.h"

#include <catch2/catch.hpp>

namespace barograph {
namespace {

Matcher Made(MatchType type, std::string value) {
  auto matcher = Matcher::Make(type, "a", std::move(value));
  REQUIRE(matcher.has_value());
  return *matcher;
}

TEST_CASE("Matchers decide by equality or by the whole text fitting the pattern") {
  CHECK(Made(MatchType::kEqual, "bar").Matches("bar"));
  CHECK_FALSE(Made(MatchType::kEqual, "bar").Matches("foo-bar"));
  CHECK(Made(MatchType::kNotEqual, "bar").Matches("foo-bar"));
  CHECK(Made(MatchType::kRegex, "ba.").Matches("bar"));
  CHECK_FALSE(Made(MatchType::kRegex, "ba.").Matches("foo-bar"));
  CHECK(Made(MatchType::kNotRegex, "ba.").Matches("foo-bar"));
  CHECK_FALSE(Made(MatchType::kNotRegex, "ba.").Matches("baz"));
}

TEST_CASE("A label that is absent has the empty value") {
  CHECK(Made(MatchType::kEqual, "").MatchesEmpty());
  CHECK(Made(MatchType::kNotEqual, "x").MatchesEmpty());
  CHECK(Made(MatchType::kRegex, ".*").MatchesEmpty());
  CHECK_FALSE(Made(MatchType::kRegex, ".+").MatchesEmpty());
  const Matchers matchers{Made(MatchType::kNotEqual, "x"), Matcher::Equal("b", "1")};
  CHECK(MatchesAll(matchers, Labels{{"b", "1"}}));
  CHECK_FALSE(MatchesAll(matchers, Labels{{"a", "x"}, {"b", "1"}}));
  CHECK_FALSE(MatchesAll(matchers, Labels{}));
  CHECK(MatchesAll({}, Labels{}));
}

TEST_CASE("A matcher prints as in a selector") {
  CHECK(Made(MatchType::kNotRegex, "x\"\n").ToString() == R"(a!~"x\"\n")");
  CHECK(Matcher::Equal("a.b", "1").ToString() == R"("a.b"="1")");
  CHECK(Matcher::Equal("__name__", "up").ToString() == R"(__name__="up")");
}

TEST_CASE("A bad pattern is an error, and only for the types that have one") {
  CHECK_FALSE(Matcher::Make(MatchType::kRegex, "a", "(").has_value());
  CHECK(Matcher::Make(MatchType::kEqual, "a", "(").has_value());
}

}  // namespace
}  // namespace barograph
