#include <catch2/catch.hpp>
#include <string>

#include "base/yaml/node.h"
#include "base/yaml/reader.h"
#include "base/yaml/writer.h"

namespace barograph {
namespace {

YamlNode Parse(const std::string& text) {
  auto node = ParseYaml(text);
  if (!node) FAIL(node.error().message);
  return *std::move(node);
}

TEST_CASE("a YAML tree knows where its parts stand") {
  const YamlNode node = Parse("a: 1\nb:\n  - x\n  - {c: y}\n");
  REQUIRE(node.entries.size() == 2);
  CHECK(node.entries[1].position == TextPosition{2, 1});
  const YamlNode& list = node.entries[1].value;
  REQUIRE(list.items.size() == 2);
  CHECK(list.items[1].entries[0].position == TextPosition{4, 6});
  CHECK(list.items[1].entries[0].value.position == TextPosition{4, 9});
}

TEST_CASE("scalars are typed as Go's YAML decoder types them") {
  const YamlNode node = Parse("[yes, 'yes', 12, '12', ~, null, '~', !!binary aGk=, 1.5]");
  bool flag = false;
  uint64_t number = 0;
  std::string text;
  double real = 0;
  CHECK(ReadYaml(node.items[0], flag).has_value());
  CHECK(flag);
  CHECK_FALSE(ReadYaml(node.items[1], flag).has_value());
  CHECK(ReadYaml(node.items[2], number).has_value());
  CHECK(number == 12);
  CHECK(ReadYaml(node.items[2], text).has_value());
  CHECK(text == "12");
  CHECK_FALSE(ReadYaml(node.items[3], number).has_value());
  CHECK(node.items[4].null());
  CHECK(node.items[5].null());
  CHECK(ReadYaml(node.items[5], number).has_value());
  CHECK(number == 0);
  CHECK(node.items[6].text == "~");
  CHECK(node.items[7].text == "hi");
  CHECK(ReadYaml(node.items[8], real).has_value());
  CHECK(real == 1.5);
}

TEST_CASE("a strict map reports what nobody asked for") {
  const YamlNode node = Parse("known: 1\nother: 2\n");
  auto map = StrictMap::Open(node, "thing");
  REQUIRE(map.has_value());
  uint64_t known = 0;
  CHECK(map->Read("known", known).has_value());
  CHECK(known == 1);
  CHECK(map->Read("absent", known).has_value());
  CHECK(known == 1);
  const Status done = map->Finish();
  REQUIRE_FALSE(done.has_value());
  CHECK(done.error().message == "field other not found in type thing");
  CHECK(done.error().position == TextPosition{2, 1});
}

TEST_CASE("every string that is written as a scalar reads back the same") {
  const std::string texts[] = {
      "",
      " ",
      "plain",
      "a b",
      "12",
      "1.5",
      "-1",
      "0x1f",
      "true",
      "No",
      "null",
      "~",
      "a: b",
      "a #b",
      "#a",
      "- a",
      "-a",
      "'quoted'",
      "\"q\"",
      "a'b",
      "{a}",
      "[a]",
      "*a",
      "&a",
      "!a",
      "%a",
      "@a",
      "`a`",
      "a:",
      ":a",
      "a\nb",
      "a\tb",
      "$1",
      "(.*)",
      ";",
      "|",
      ">",
      "a\\b",
      "<<",
      "=",
      "?",
      "? a",
      "\xc3\xa9",
      "1m",
      "5m30s",
      "2020-01-01",
      "12:30",
      ".inf",
      ".nan",
      "a,b",
      "a]",
      "127.0.0.1:9090",
      "\xff",
      "a\xff\xfe",
      "\xff\xfe\xfd",
      "\x7f",
      "\xe2\x80\x8b",
      "0x1f",
  };
  for (const std::string& text : texts) {
    YamlWriter out;
    out.Field("key", text);
    out.Field("list", std::vector<std::string>{text});
    out.FlowField("flow", {text});
    CAPTURE(out.text());
    const YamlNode node = Parse(out.text());
    REQUIRE(node.entries.size() == 3);
    CHECK(node.entries[0].value.kind == YamlNode::Kind::kScalar);
    CHECK(node.entries[0].value.text == text);
    CHECK(node.entries[1].value.items.at(0).text == text);
    CHECK(node.entries[2].value.items.at(0).text == text);
  }
}

TEST_CASE("only what would be read as another type is quoted") {
  for (const char* plain : {"127.0.0.1:9090", "localhost:9100", "1m", "5m30s", "10MiB", "(.*)",
                            "$1", ";", "a b", "x-y", "http://x/y"}) {
    CHECK(YamlScalar(plain) == plain);
  }
  for (const char* typed : {"12", "1.5", "-1", "1e3", "0x1f", "true", "No", "null", "12:30",
                            "2020-01-01", "~", ".inf"}) {
    CHECK(YamlScalar(typed) == "'" + std::string(typed) + "'");
  }
}

}  // namespace
}  // namespace barograph
