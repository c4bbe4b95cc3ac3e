#include "discovery/file/target_file.h"

#include <catch2/catch.hpp>
#include <string>

namespace barograph::discovery {
namespace {

TEST_CASE("a file's groups are read alike from JSON and YAML") {
  const auto yaml = ParseTargetFile(
      "t.yml", "- targets: [a:1, b:2]\n  labels: {zone: z, n: 1}\n- targets: ['c:3']\n");
  const auto json = ParseTargetFile(
      "t.json",
      R"([{"targets": ["a:1", "b:2"], "labels": {"zone": "z", "n": "1"}}, {"targets": ["c:3"]}])");
  REQUIRE(yaml.has_value());
  REQUIRE(json.has_value());
  REQUIRE(yaml->size() == 2);
  CHECK((*yaml)[0].source == "t.yml:0");
  CHECK((*json)[1].source == "t.json:1");
  for (size_t i = 0; i < 2; ++i) CHECK((*yaml)[i].targets == (*json)[i].targets);
  CHECK((*yaml)[0].labels == Labels({{"__meta_filepath", "t.yml"}, {"n", "1"}, {"zone", "z"}}));
  CHECK((*json)[0].labels == Labels({{"__meta_filepath", "t.json"}, {"n", "1"}, {"zone", "z"}}));
}

TEST_CASE("an empty file has no groups") {
  CHECK(ParseTargetFile("t.yml", "")->empty());
  CHECK(ParseTargetFile("t.json", "[]")->empty());
}

TEST_CASE("a bad target file says what is wrong, and where") {
  struct Bad {
    const char* path;
    const char* text;
    const char* message;
    std::optional<TextPosition> position;
  };
  const Bad cases[] = {
      {"t.yml", "- targets: [a]\n- \n", "nil target group item found", TextPosition{2, 1}},
      {"t.yml", "- target: [a]\n", "field target not found in type targetgroup.Group",
       TextPosition{1, 3}},
      {"t.yml", "targets: [a]\n", "cannot unmarshal !!map into a list", TextPosition{1, 1}},
      {"t.yml", "- targets: a\n", "cannot unmarshal !!str `a` into a list", TextPosition{1, 12}},
      {"t.json", "[{\"port\": 1}]", "field port not found in type targetgroup.Group", std::nullopt},
      {"t.json", "[\n{\"targets\": [}]", "bad JSON: syntax error", TextPosition{2, 14}},
      {"t.json", "[null]", "nil target group item found", std::nullopt},
      {"t.json", "[] []", "bad JSON: extra data", TextPosition{1, 4}},
  };
  for (const Bad& bad : cases) {
    CAPTURE(bad.text);
    const auto groups = ParseTargetFile(bad.path, bad.text);
    REQUIRE_FALSE(groups.has_value());
    CHECK(groups.error().message == bad.message);
    CHECK(groups.error().position == bad.position);
  }
}

TEST_CASE("a pattern has its star in the last segment and ends in json or yaml") {
  for (const char* good : {"a.json", "/x/*.yml", "x/y*z.YAML", "*.JSON"}) {
    CHECK(IsTargetFilePattern(good));
  }
  for (const char* bad : {"a.txt", "x/*/a.json", "*", "", "json", "a*/b.yml"}) {
    CHECK_FALSE(IsTargetFilePattern(bad));
  }
}

}  // namespace
}  // namespace barograph::discovery
