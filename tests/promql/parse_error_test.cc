#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

#include "promql/parse/parser.h"
#include "promql/parse/printer.h"
#include "promql/parse/selectors.h"

namespace barograph::promql {
namespace {

std::string FirstError(std::string_view text, const ParserOptions& options = {}) {
  const auto expr = ParseExpr(text, options);
  return expr ? "none" : expr.error().front().Format(text);
}

struct Row {
  std::string text;
  std::string error;
};

void Check(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    INFO(row.text);
    CHECK(FirstError(row.text) == row.error);
  }
}

}  // namespace

TEST_CASE("A syntax error names the token, where it stands and what could have stood there") {
  Check({
      {"", "1:1: parse error: no expression found in input"},
      {"# only a comment", "1:1: parse error: no expression found in input"},
      {"a b", "1:3: parse error: unexpected identifier \"b\""},
      {"a +", "1:4: parse error: unexpected end of input"},
      {"a +\n\n  * b", "3:3: parse error: unexpected <op:*>"},
      {"a{b}",
       "1:4: parse error: unexpected \"}\" in label matching, expected label matching "
       "operator"},
      {"a{b=}", "1:5: parse error: unexpected \"}\" in label matching, expected string"},
      {"a{b=\"c\" d}",
       "1:9: parse error: unexpected identifier \"d\" in label matching, expected "
       "\",\" or \"}\""},
      {"a{=}",
       "1:3: parse error: unexpected \"=\" in label matching, expected identifier or "
       "\"}\""},
      {"a[5m", "1:5: parse error: unclosed left bracket"},
      {"a[5m 1m]",
       "1:6: parse error: unexpected duration \"1m\" in subquery or range, expected "
       "\":\" or \"]\""},
      {"a[]",
       "1:3: parse error: unexpected \"]\" in subquery or range selector, expected number, "
       "duration, step(), or range()"},
      {"a[5m:+]",
       "1:7: parse error: unexpected \"]\" in subquery selector, expected number, "
       "duration, step(), range(), or \"]\""},
      {"a[5m:1m 1]",
       "1:9: parse error: unexpected number \"1\" in subquery selector, expected "
       "\"]\""},
      {"a offset b",
       "1:10: parse error: unexpected identifier \"b\" in offset, expected number, "
       "duration, step(), or range()"},
      {"a @ b", "1:5: parse error: unexpected identifier \"b\" in @, expected timestamp"},
      {"a @ start", "1:10: parse error: unexpected end of input in @, expected timestamp"},
      {"sum by b (a)",
       "1:8: parse error: unexpected identifier \"b\" in grouping opts, expected "
       "\"(\""},
      {"sum by (1) (a)",
       "1:9: parse error: unexpected number \"1\" in grouping opts, expected "
       "label"},
      {"sum by (a b) (a)",
       "1:11: parse error: unexpected identifier \"b\" in grouping opts, "
       "expected \",\" or \")\""},
      {"sum by (without) (a)",
       "1:9: parse error: unexpected <without> in grouping opts, expected "
       "label"},
      {"sum(a b)", "1:7: parse error: unexpected identifier \"b\" in aggregation"},
      {"a + on(b) group_left == c",
       "1:22: parse error: unexpected <op:==> in grouping opts, "
       "expected \"(\""},
      {"f(a,)", "1:4: parse error: trailing commas not allowed in function call args"},
      {"sum{a=\"1\"} by (b)", "1:12: parse error: unexpected <by>"},
      {"\"a long string\" \"and another\"",
       "1:17: parse error: unexpected string "
       "\"\\\"and anoth\"..."},
  });
}

TEST_CASE("What cannot be read as a token says why") {
  Check({
      {"a $ b", "1:3: parse error: unexpected character: '$'"},
      {"a =~ b", "1:3: parse error: unexpected character after '=': '~'"},
      {"a ! b", "1:3: parse error: unexpected character after '!': ' '"},
      {"a{b=\"c\"", "1:8: parse error: unexpected end of input inside braces"},
      {"a{b!\"c\"}", "1:4: parse error: unexpected character after '!' inside braces: '\"'"},
      {"a{{", "1:3: parse error: unexpected left brace '{'"},
      {"(a", "1:3: parse error: unclosed left parenthesis"},
      {"a)", "1:3: parse error: unexpected right parenthesis ')'"},
      {"a]", "1:2: parse error: unexpected right bracket ']'"},
      {"a[5m[", "1:5: parse error: unexpected left bracket '['"},
      {"a[5m:1m:1m]", "1:8: parse error: unexpected colon ':'"},
      {"a[:1m]", "1:4: parse error: unexpected colon before duration in duration expression"},
      {"a[b]", "1:3: parse error: unexpected character in duration expression: 'b'"},
      {"a[5m b]", "1:6: parse error: unexpected character: 'b', expected ':'"},
      {"1..2", "1:1: parse error: bad number or duration syntax: \"1..\""},
      {"5m1", "1:1: parse error: bad number or duration syntax: \"5m1\""},
      {"\xff", "1:1: parse error: unexpected character: '\uFFFD'"},
  });
}

TEST_CASE("Types and counts of operands and arguments are checked") {
  Check({
      {"1 == 1", "1:3: parse error: comparisons between scalars must use BOOL modifier"},
      {"a + bool b", "1:3: parse error: bool modifier can only be used on comparison operators"},
      {"a[5m] + 1",
       "1:1: parse error: binary expression must contain only scalar and instant "
       "vector types"},
      {"-\"a\"",
       "1:1: parse error: unary expression only allowed on expressions of type scalar or "
       "instant vector, got \"string\""},
      {"1 + on(a) b", "1:1: parse error: vector matching only allowed between instant vectors"},
      {"1 + fill(0) b",
       "1:1: parse error: filling in missing series only allowed between instant "
       "vectors"},
      {"a and fill(0) b",
       "1:1: parse error: filling in missing series not allowed for set "
       "operators"},
      {"a and on(b) group_left c", "1:1: parse error: no grouping allowed for \"and\" operation"},
      {"a + on(b) group_left(b) c",
       "1:3: parse error: label \"b\" must not occur in ON and GROUP clause at once"},
      {"rate(a)",
       "1:6: parse error: expected type range vector in call to function \"rate\", got "
       "instant vector"},
      {"abs()", "1:1: parse error: expected 1 argument(s) in call to \"abs\", got 0"},
      {"round()", "1:1: parse error: expected at least 1 argument(s) in call to \"round\", got 0"},
      {"hour(a, b)", "1:1: parse error: expected at most 1 argument(s) in call to \"hour\", got 2"},
      {"sum(1)",
       "1:5: parse error: expected type instant vector in aggregation expression, got "
       "scalar"},
      {"topk(\"a\", b)",
       "1:6: parse error: expected type scalar in aggregation parameter, got "
       "string"},
      {"topk(b)",
       "1:1: parse error: wrong number of arguments for aggregate expression provided, "
       "expected 2, got 1"},
      {"sum()", "1:1: parse error: no arguments for aggregate expression provided"},
      {"{}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
      {"{a=~\".*\"}",
       "1:1: parse error: vector selector must contain at least one non-empty "
       "matcher"},
      {"a{__name__=\"b\"}", "1:1: parse error: metric name must not be set twice: \"a\" or \"b\""},
      {"sum(a)[5m]", "1:7: parse error: ranges only allowed for vector selectors"},
      {"1[5m:]",
       "1:1: parse error: subquery is only allowed on instant vector, got scalar "
       "instead"},
      {"a offset 1m offset 1m", "1:1: parse error: offset may not be set multiple times"},
      {"a @ 1 @ 2", "1:1: parse error: @ <timestamp> may not be set multiple times"},
      {"a @ inf", "1:1: parse error: timestamp out of bounds for @ modifier: +Inf"},
      {"a offset 1m[5m]", "1:12: parse error: no offset modifiers allowed before range"},
      {"a anchored smoothed",
       "1:1: parse error: anchored and smoothed modifiers cannot be used "
       "together"},
      {"a[0s]", "1:3: parse error: duration must be greater than 0"},
      {"a[5m/0]", "1:5: parse error: division by zero"},
      {"a[5m1h]", "1:3: parse error: not a valid duration string: \"5m1h\""},
      {"info(a, b)",
       "1:9: parse error: expected label selectors only, got vector selector "
       "instead"},
  });
}

TEST_CASE("What is experimental can be turned off") {
  ParserOptions off;
  off.experimental_functions = off.duration_expressions = false;
  off.extended_range_selectors = off.fill_modifiers = false;
  CHECK(FirstError("start()", off) == "1:1: parse error: function \"start\" is not enabled");
  CHECK(FirstError("limitk(1, a)", off) ==
        "1:1: parse error: limitk() is experimental and must be enabled with "
        "--enable-feature=promql-experimental-functions");
  CHECK(FirstError("a[1m+1m]", off) ==
        "1:3: parse error: experimental duration expression is not enabled");
  CHECK(FirstError("a anchored", off) ==
        "1:1: parse error: anchored modifier is experimental and not enabled");
  CHECK(FirstError("a + fill(1) b", off) ==
        "1:1: parse error: binop fill modifiers are experimental and not enabled");
}

TEST_CASE("Nesting, height and size have limits that are errors") {
  const auto repeat = [](std::string_view text, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out += text;
    return out;
  };
  constexpr int kMany = 100'000;
  const std::string deep = "is nested more than 500 levels deep";
  CHECK(FirstError(repeat("(", kMany)).find(deep) != std::string::npos);
  CHECK(FirstError(repeat("-", kMany) + "a").find(deep) != std::string::npos);
  CHECK(FirstError(repeat("abs(", kMany)).find(deep) != std::string::npos);
  CHECK(FirstError(repeat("sum by (a) (", kMany)).find(deep) != std::string::npos);
  CHECK(FirstError(repeat("a ^ ", kMany) + "a").find(deep) != std::string::npos);
  CHECK(FirstError("a[" + repeat("(", kMany)).find(deep) != std::string::npos);
  CHECK(FirstError("a offset " + repeat("-", kMany) + "1").find(deep) != std::string::npos);

  const std::string high = "is more than 2000 levels high";
  CHECK(FirstError("a" + repeat(" + a", kMany)).find(high) != std::string::npos);
  CHECK(FirstError("a" + repeat("[5m:]", kMany)).find(high) != std::string::npos);
  CHECK(FirstError("a[1" + repeat("+1", kMany) + "]").find(high) != std::string::npos);

  const std::string chain = "a" + repeat(" + a", 1990);
  const auto expr = ParseExpr(chain);
  REQUIRE(expr);
  CHECK(Print(**expr) == chain);
  CHECK(!Prettify(**expr).empty());
  CHECK(ExtractSelectors(**expr).size() == 1991);

  ParserOptions small;
  small.max_query_bytes = 3;
  CHECK(FirstError("a+bc", small) ==
        "1:1: parse error: text has 4 bytes, more than the limit of 3");
}

TEST_CASE("Garbage is parsed or refused, never more") {
  const std::vector<std::string> pieces = {
      "a",      "sum",     "by",       "(",     ")",  "[",      "]",       "{",        "}",
      "{{",     "}}",      ",",        "=",     "=~", "!",      "5m",      "1",        ":",
      "offset", "@",       "start",    "step(", "+",  "-",      "^",       "\"",       "'x'",
      "`",      "#",       "\n",       " ",     "_",  "x3",     "stale",   "buckets:", "sum:",
      "\\",     "\xff",    "\xc3\xa9", "0x",    "1e", ".",      "inf",     "bool",     "on(",
      "fill(",  "max_of(", "rate(",    "</",    "==", "unless", "anchored"};
  std::mt19937 random(20240229);
  std::uniform_int_distribution<size_t> piece(0, pieces.size() - 1);
  std::uniform_int_distribution<int> length(1, 12);
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (int n = length(random); n > 0; --n) text += pieces[piece(random)];
    if (const auto expr = ParseExpr(text)) {
      CHECK(ParseExpr(Print(**expr)).has_value());
    } else {
      REQUIRE(!expr.error().empty());
      CHECK(!expr.error().front().Format(text).empty());
    }
    ParserOptions few;
    few.max_series_values = 100;
    (void)ParseSeriesDescription(text, few);
    (void)ParseMetricSelector(text);
    (void)ParseMetric(text);
  }
}

}  // namespace barograph::promql
