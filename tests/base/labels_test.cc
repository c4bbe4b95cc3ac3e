#include "base/model/labels.h"

#include <catch2/catch.hpp>

namespace barograph {
namespace {

TEST_CASE("A label set is sorted, unique, and holds no empty value") {
  const Labels labels{{"b", "2"}, {"a", "1"}, {"c", ""}, {"b", "3"}};
  CHECK(labels.ToString() == R"({a="1", b="3"})");
  CHECK(labels.size() == 2);
  CHECK(labels.Get("b") == "3");
  CHECK(labels.Get("c").empty());
  CHECK_FALSE(labels.Has("z"));
}

TEST_CASE("A set whose last pair of a repeated name is empty lacks that name") {
  CHECK(Labels{{"a", "1"}, {"a", ""}}.empty());
}

TEST_CASE("The builder edits in place and keeps order") {
  LabelsBuilder builder(Labels{{"b", "2"}});
  builder.Set("a", "1").Set("c", "3").Set("b", "").Set("c", "4");
  CHECK(builder.Build() == Labels{{"a", "1"}, {"c", "4"}});
  CHECK(builder.Get("c") == "4");
  CHECK(builder.Get("b").empty());
}

TEST_CASE("A metric prints with its name outside the braces when the name is a legacy one") {
  CHECK(Labels{{"__name__", "up"}}.ToString() == "up");
  CHECK(Labels{{"__name__", "up"}, {"job", "a\"b\n"}}.ToString() == "up{job=\"a\\\"b\\n\"}");
  CHECK(Labels{{"__name__", "a.b"}, {"c.d", "1"}}.ToString() == R"({"a.b", "c.d"="1"})");
  CHECK(Labels{}.ToString() == "{}");
}

TEST_CASE("Label sets order label by label, a prefix before the longer") {
  const Labels a{{"a", "1"}}, ab{{"a", "1"}, {"b", "1"}}, a2{{"a", "2"}}, b{{"b", "0"}};
  CHECK(a < ab);
  CHECK(ab < a2);
  CHECK(a2 < b);
  CHECK(Labels{} < a);
}

TEST_CASE("Packed bytes are validated before they are trusted") {
  const Labels labels{{"a", "1"}, {"b", std::string(300, 'x')}};
  const std::string packed(labels.packed());
  CHECK(Labels::Validate(packed));
  CHECK(Labels::Validate(""));
  CHECK(Labels::FromPacked(packed) == labels);
  for (size_t size = 1; size < packed.size(); ++size) {
    if (size == Labels{{"a", "1"}}.packed().size()) continue;
    CHECK_FALSE(Labels::Validate(std::string_view(packed).substr(0, size)));
  }
  CHECK_FALSE(
      Labels::Validate(std::string("\x01"
                                   "b\x01"
                                   "1"
                                   "\x01"
                                   "a\x01"
                                   "1")));
}

TEST_CASE("Labels are kept or dropped by sorted name lists") {
  const Labels labels{{"a", "1"}, {"b", "2"}, {"c", "3"}};
  CHECK(KeepLabels(labels, {"a", "c", "z"}) == Labels{{"a", "1"}, {"c", "3"}});
  CHECK(DropLabels(labels, {"a", "c", "z"}) == Labels{{"b", "2"}});
}

TEST_CASE("UTF-8 is checked as Unicode defines it") {
  CHECK(IsValidUtf8("a\u00e9\u20ac\U0001F600"));
  CHECK_FALSE(IsValidUtf8("\xc0\x80"));      // overlong
  CHECK_FALSE(IsValidUtf8("\xed\xa0\x80"));  // surrogate
  CHECK_FALSE(IsValidUtf8("\xf4\x90\x80\x80"));
  CHECK_FALSE(IsValidUtf8("a\xe2\x82"));
  CHECK_FALSE(IsUtf8Name(""));
}

}  // namespace
}  // namespace barograph
