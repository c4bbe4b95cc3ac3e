#include "base/model/regex.h"

#include <catch2/catch.hpp>
#include <random>

#include "base/model/regex_shape.h"

namespace barograph {
namespace {

std::unique_ptr<const Regex> Compiled(std::string_view pattern) {
  auto regex = Regex::Compile(pattern);
  INFO(pattern);
  REQUIRE(regex.has_value());
  return std::move(*regex);
}

using Strings = std::vector<std::string>;

TEST_CASE("A pattern that is a finite set of strings gives the set") {
  const std::pair<const char*, Strings> kCases[] = {
      {"", {""}},
      {"foo", {"foo"}},
      {"foo|bar", {"bar", "foo"}},
      {"(foo|bar)", {"bar", "foo"}},
      {"foo|", {"", "foo"}},
      {"^foo$", {"foo"}},
      {"^(?:foo|bar)$", {"bar", "foo"}},
      {"^foo|bar$", {"bar", "foo"}},
      {"api_(?:v1|v2)_(foo|bar)", {"api_v1_bar", "api_v1_foo", "api_v2_bar", "api_v2_foo"}},
      {"10\\.0\\.(1|2)\\.5", {"10.0.1.5", "10.0.2.5"}},
      {"ba[rz]|foo?", {"bar", "baz", "fo", "foo"}},
      {"[0-3]x", {"0x", "1x", "2x", "3x"}},
      {"a[]-]", {"a-", "a]"}},
      {"h(?P<name>é|è)", {"hè", "hé"}},
      {"h(?<name>a)", {"ha"}},
      {"(?s)foo|foo", {"foo"}},
      {"(a|b(c|d)?)e", {"ae", "bce", "bde", "be"}},
  };
  for (const auto& [pattern, set] : kCases) {
    CAPTURE(pattern);
    CHECK(Compiled(pattern)->set_matches() == set);
  }
}

TEST_CASE("A pattern that is no such set, or too large a one, gives none") {
  for (const char* pattern :
       {"foo.*", "(?i)foo", "[^a]", "\\d", "a+", "a{2}", "a.b", "[[:alpha:]]", "[a-z0-9A-Z_.:]x",
        "[0-9][0-9][0-9][0-9]", "fo\ufffd", "\\x41", "a^b", "(?i:a)b"}) {
    CAPTURE(pattern);
    CHECK(Compiled(pattern)->set_matches().empty());
  }
}

TEST_CASE("The literal prefix of every match is known") {
  const std::pair<const char*, const char*> kCases[] = {
      {"foo.*", "foo"},
      {"foo", "foo"},
      {"foo(bar|baz).+", "fooba"},
      {".*", ""},
      {"(foo|bar).*", ""},
      {"foo(?:bar)?\\d", "foo"},
      {"api_v1[0-9]+", "api_v1"},
      {"(?i)foo.*", ""},
      {"ab*c", "a"},
      {"(abc|abd)x[0-9]{2}", ""},
      {"^abc.*$", "abc"},
      {"foo|foo.*", "foo"},
  };
  for (const auto& [pattern, prefix] : kCases) {
    CAPTURE(pattern);
    CHECK(Compiled(pattern)->prefix() == prefix);
  }
}

// The plain patterns against the regex engine itself: a flag group hides the shape from the
// analysis and changes nothing else.
TEST_CASE("Answers without the engine equal the engine's") {
  const char* kPatterns[] = {
      "",
      "foo",
      "foo|bar",
      "foo.*",
      ".*foo",
      ".*foo.*",
      ".+foo",
      "foo.+",
      ".+",
      ".*",
      ".+foo.+",
      "foo.*bar",
      "foo.+bar",
      ".*foo.*bar.*",
      "(foo|bar).*",
      ".*(foo|bar)",
      ".*-a|.*-b",
      "^foo.*$",
      "fo?o.*",
      ".*?foo.+?",
      ".*.+.*o",
      "(.*)foo",
      "a.*a",
      "a.+a",
      ".*aa.*aa.*",
      ".+é.+",
      "é.*é",
      "foo|.*x|y.+",
      "\n.*",
      "(.*)(foo)",
      ".+.+",
      "a.*b.*c",
      "(a|ab)(c|bcd).*",
      "$*foo",
      "$+foo",
      "(^foo|bar$)",
      "foo$|x",
      "a[bc].*",
      "[]a].*",
      "()foo.*",
      "x*",
      "(?:foo)+",
  };
  const std::string_view kTexts[] = {
      "",
      "foo",
      "bar",
      "foobar",
      "barfoo",
      "xfoox",
      "fo",
      "o",
      "x",
      "xfoo",
      "foox",
      "foo\n",
      "\nfoo",
      "foo\nbar",
      "a",
      "aa",
      "aaa",
      "aba",
      "aaaa",
      "aaaaa",
      "é",
      "éé",
      "éxé",
      "xéx",
      "ééé",
      "-a",
      "x-b",
      "\n",
      "\xff",
      "foo\xff",
      "\xff"
      "foo",
      "\xc3",
      "a\xc3"
      "a",
      "\xc3\xc3\xa9\xa9",
      "abc",
      "abcd",
      "abx",
      "acz",
      "]q",
      "y",
      "yy",
      "axbxc",
      "cba",
      "\u212a",
      "foofoo",
  };
  for (const char* pattern : kPatterns) {
    const auto regex = Compiled(pattern);
    const auto engine = Compiled("(?-i:" + std::string(pattern) + ")");
    for (std::string_view text : kTexts) {
      CAPTURE(pattern, text);
      CHECK(regex->Matches(text) == engine->Matches(text));
    }
  }
}

// A pattern of the plain syntax over a small alphabet.
std::string RandomPattern(std::mt19937& random, int depth) {
  const auto pick = [&](std::initializer_list<const char*> choices) {
    return std::string(choices.begin()[random() % choices.size()]);
  };
  std::string pattern;
  for (auto atoms = random() % 4; atoms > 0; --atoms) {
    if (depth > 0 && random() % 4 == 0) {
      pattern += pick({"(", "(?:", "(?s:", "(?P<n>"});
      pattern += RandomPattern(random, depth - 1) + ")";
    } else {
      pattern += pick({"a", "b", "é", ".", ".", ".", "[ab]", "[^a]", "\\.", "\n", "^", "$"});
    }
    pattern += pick({"", "", "", "?", "*", "+", "*?"});
  }
  if (random() % 4 == 0) pattern += "|" + RandomPattern(random, depth);
  return pattern;
}

std::string RandomText(std::mt19937& random) {
  constexpr std::string_view kParts[] = {"a", "b", "a", "b", "é", "\n", ".", "\xff", "\xc3"};
  std::string text;
  for (auto parts = random() % 6; parts > 0; --parts) text += kParts[random() % std::size(kParts)];
  return text;
}

TEST_CASE("On random patterns and texts the answers equal the engine's") {
  std::mt19937 random(4);
  int decided = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::string pattern = RandomPattern(random, 2);
    const auto regex = Regex::Compile(pattern);
    if (!regex.has_value()) continue;  // a group's name twice
    const auto engine = Compiled("(?-i:" + pattern + ")");
    decided += AnalyzeRegex(pattern).alternatives.empty() ? 0 : 1;
    for (int j = 0; j < 20; ++j) {
      const std::string text = RandomText(random);
      CAPTURE(pattern, text);
      REQUIRE((*regex)->Matches(text) == engine->Matches(text));
      REQUIRE((*regex)->Expand(text, "[$0]") == engine->Expand(text, "[$0]"));
    }
  }
  CHECK(decided > 300);
}

TEST_CASE("Bytes that are not UTF-8 are each one character U+FFFD") {
  CHECK(
      Compiled("a.b")->Matches("a\xff"
                               "b"));
  CHECK(
      Compiled("a..b")->Matches("a\xe2\x82"
                                "b"));
  CHECK_FALSE(
      Compiled("a.b")->Matches("a\xe2\x82"
                               "b"));
  CHECK(Compiled("\ufffd")->Matches("\xff"));
  CHECK(Compiled("[^a]")->Matches("\xff"));
  CHECK(Compiled("[\ufffc-\ufffe]")->Matches("\xff"));
  CHECK_FALSE(Compiled("foo")->Matches("fo\xff"));
}

TEST_CASE("Case folds as in Unicode") {
  CHECK(Compiled("(?i)k")->Matches("\u212a"));
  CHECK(Compiled("(?i:s)x")->Matches("\u017fx"));
  CHECK_FALSE(Compiled("(?i:s)x")->Matches("\u017fX"));
}

TEST_CASE("Templates expand as Go's regexp.Expand does") {
  struct Case {
    const char* pattern;
    const char* text;
    const char* rewrite;
    const char* expected;
  };
  const Case kCases[] = {
      {"(.*)", "foo", "$1", "foo"},
      {"(.*)", "", "$1", ""},
      {"(.*)", "foo", "$0-${1}-$2-$x", "foo-foo--"},
      {"f(.*)", "foo", "ch${1}-ch${1}", "choo-choo"},
      {"(a)(b)", "ab", "$2$1", "ba"},
      {"(a)(b)", "ab", "$1x", ""},
      {"(a)(b)", "ab", "${1}x", "ax"},
      {"(a)(b)", "ab", "$01", ""},
      {"(a)(b)", "ab", "$$1", "$1"},
      {"(a)(b)", "ab", "$", "$"},
      {"(a)(b)", "ab", "${1", "${1"},
      {"(a)(b)", "ab", "${}", "${}"},
      {"(a)(b)", "ab", "$-$1", "$-a"},
      {"(a)(b)", "ab", "$1\u2013$2", "a\u2013b"},
      {"(a)(b)", "ab", "$1\u00e9", ""},
      {"(a)(b)", "ab", "$99999999999", ""},
      {"(?P<x>a)(?<y>b)", "ab", "$y${x}", "ba"},
      {"(a)|(b)", "b", "[$1$2]", "[b]"},
      {"(a|ab)(c|bcd)?", "abcd", "$1/$2", "a/bcd"},
      {"(.)(.*)",
       "\xff\xfe"
       "ab",
       "$2|$1",
       "\xfe"
       "ab|\xff"},
      {"(x?)\xff", "", "", nullptr},
      {"f(.*)", "bar", "$1", nullptr},
      {"[(?<a>]+(b)", "<b", "$1", "b"},
      {"\\Q(?<a>[\\E(b)", "(?<a>[b", "$1", "b"},
  };
  for (const auto& [pattern, text, rewrite, expected] : kCases) {
    CAPTURE(pattern, text, rewrite);
    const auto regex = Regex::Compile(pattern);
    if (!regex.has_value()) {
      CHECK(expected == nullptr);
      continue;
    }
    const auto expanded = (*regex)->Expand(text, rewrite);
    REQUIRE(expanded.has_value() == (expected != nullptr));
    if (expected != nullptr) CHECK(*expanded == expected);
  }
}

TEST_CASE("A pattern that does not compile is refused in Go's words") {
  const std::pair<const char*, const char*> kCases[] = {
      {"a(b", "error parsing regexp: missing closing ): `a(b`"},
      {"a)b", "error parsing regexp: unexpected ): `a)b`"},
      {"[a", "error parsing regexp: missing closing ]: `[a`"},
      {"[b-a]", "error parsing regexp: invalid character class range: `b-a`"},
      {"*", "error parsing regexp: missing argument to repetition operator: `*`"},
      {"a**", "error parsing regexp: invalid nested repetition operator: `**`"},
      {"a{1001}", "error parsing regexp: invalid repeat count: `{1001}`"},
      {"\\y", "error parsing regexp: invalid escape sequence: `\\y`"},
      {"a\\", "error parsing regexp: trailing backslash at end of expression: ``"},
      {"(?!a)", "error parsing regexp: invalid or unsupported Perl syntax: `(?!`"},
      {"(?P<a", "error parsing regexp: invalid named capture: `(?P<a`"},
  };
  for (const auto& [pattern, message] : kCases) {
    CAPTURE(pattern);
    const auto regex = Regex::Compile(pattern);
    REQUIRE_FALSE(regex.has_value());
    CHECK(regex.error() == Error{ErrorCode::kInvalidArgument, message});
  }
  CHECK_FALSE(Regex::Compile("(?<=a)b").has_value());
  CHECK_FALSE(Regex::Compile("a\xff").has_value());
  CHECK_FALSE(Regex::Compile("a)(?:b").has_value());
}

TEST_CASE("A hostile pattern costs little") {
  const auto nested = [](int depth) {
    std::string pattern;
    for (int i = 0; i < depth; ++i) pattern += "(";
    for (int i = 0; i < depth; ++i) pattern += "a|b)";
    return pattern;
  };
  CHECK(AnalyzeRegex(nested(40)).alternatives.size() <= 41);
  CHECK(AnalyzeRegex(nested(100000)).alternatives.empty());
  std::string doubling;
  for (int i = 0; i < 10000; ++i) doubling += "(a|b)";
  CHECK(AnalyzeRegex(doubling).alternatives.empty());
  CHECK(AnalyzeRegex(std::string(1 << 19, 'x') + "(a|b|c|d)").alternatives.empty());
  CHECK_FALSE(Regex::Compile("((a{100}){100}){100}").has_value());
}

}  // namespace
}  // namespace barograph
