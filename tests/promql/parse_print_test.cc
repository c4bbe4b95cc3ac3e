#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

#include "promql/parse/parser.h"
#include "promql/parse/printer.h"
#include "promql/parse/selectors.h"
#include "tests/promql/parse_dump.h"

namespace barograph::promql {
namespace {

std::string PrintOf(std::string_view text) {
  const auto expr = ParseExpr(text);
  return expr ? Print(**expr) : expr.error().front().Format(text);
}

std::string PrettyOf(std::string_view text, int max_line) {
  const auto expr = ParseExpr(text);
  return expr ? Prettify(**expr, max_line) : expr.error().front().Format(text);
}

// Random expressions that parse: every node, modifier and clause, but only where types allow.
class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  std::string Vector(int depth) {
    if (depth <= 0) return Selector() + Modifiers();
    switch (Below(8)) {
      case 0: return "(" + Vector(depth - 1) + ")";
      case 1: return OneOf({"-", "+"}) + Vector(depth - 1);
      case 2: return Vector(depth - 1) + " " + Operator() + Matching() + " " + Vector(depth - 1);
      case 3:
        return OneOf({"sum", "avg", "group"}) + OneOf({"", " by (a, \"b c\")", " without ()"}) +
               "(" + Vector(depth - 1) + ")";
      case 4:
        return OneOf({"topk", "quantile", "limit_ratio"}) + "(" + Scalar(depth - 1) + ", " +
               Vector(depth - 1) + ")";
      case 5:
        return OneOf({"rate", "sum_over_time", "absent_over_time"}) + "(" + Matrix(depth - 1) + ")";
      case 6: return "label_replace(" + Vector(depth - 1) + R"(, "x", "$1", 'y', `(.*)\.`))";
      default: return OneOf({"abs", "ceil", "sort", "timestamp"}) + "(" + Vector(depth - 1) + ")";
    }
  }

 private:
  size_t Below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }
  std::string OneOf(const std::vector<std::string>& choices) {
    return choices[Below(choices.size())];
  }
  std::string Selector() {
    return OneOf({"a", "b:c", "sum", "offset", "{\"x.y\"}", "a{b=\"c\"}", "{\"é\"='1', a!~\".+\"}",
                  "a{b=~\"c|d\",e!=\"\"}", "start{step=\"1\"}"});
  }
  std::string Modifiers() {
    return OneOf({"", "", " anchored", " smoothed"}) + OneOf({"", "", " offset ", " offset "});
  }
  std::string Matrix(int depth) {
    if (depth > 0 && Below(3) == 0) {
      // A range before a colon must have a literal in it: Prometheus's lexer wants it so.
      return "(" + Vector(depth - 1) + ")[" + OneOf({"5m", "1h+step()", "(2*range())"}) + ":" +
             OneOf({"", Duration(1)}) + "]" + Time();
    }
    return Selector() + "[" + Duration(2) + "]" + OneOf({"", " smoothed"}) + Time();
  }
  std::string Time() {
    return OneOf({"", " offset 5m", " offset -(1m+step())", " offset max_of(1m, 2m)"}) +
           OneOf({"", " @ 12.345", " @ -1", " @ start()", " @ end()"});
  }
  std::string Duration(int depth) {
    if (depth <= 0) return OneOf({"5m", "1h30m", "90", "1.5", "step()", "range()"});
    switch (Below(5)) {
      case 0: return "(" + Duration(depth - 1) + ")";
      case 1:
        return OneOf({"max_of", "min_of"}) + "(" + Duration(depth - 1) + ", " +
               Duration(depth - 1) + ")";
      case 2: return Duration(depth - 1) + OneOf({"+", "*", "/", "^", "%"}) + Duration(depth - 1);
      default: return Duration(depth - 1);
    }
  }
  std::string Scalar(int depth) {
    if (depth <= 0) return OneOf({"1", "-2.5", "1e100", "0x1f", "5m", "1_000", "pi()"});
    return OneOf({"scalar(" + Vector(depth - 1) + ")", "time()",
                  Scalar(depth - 1) + " ^ " + Scalar(depth - 1),
                  Scalar(depth - 1) + " < bool " + Scalar(depth - 1)});
  }
  std::string Operator() {
    return OneOf({"+", "-", "*", "/", "%", "^", "atan2", "==", "!=", "<", ">=", "</", ">/"});
  }
  std::string Matching() {
    return OneOf({"", "", " on (a)", " ignoring ()", " on (a, \"b c\") group_left (d)",
                  " ignoring (a) group_right ()", " on () fill (1)", " fill_left (2)"});
  }

  std::mt19937 random_;
};

// The modifiers need their durations: `offset ` is completed here to keep Generator short.
std::string Complete(std::string text) {
  const std::string hole = " offset ";
  for (size_t at = text.find(hole); at != std::string::npos; at = text.find(hole, at + 1)) {
    const size_t next = at + hole.size();
    const bool empty = next == text.size() || std::string_view("),* ").contains(text[next]);
    if (empty) text.insert(next, "1d ");
  }
  return text;
}

}  // namespace

TEST_CASE("A tree prints as its canonical text") {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"sum  by(b,a)(x)", "sum by (b, a) (x)"},
      {"sum(x)without( )", "sum without () (x)"},
      {"a{z=\"1\",b='2'}", "a{b=\"2\",z=\"1\"}"},
      {"{\"a.b\"}", "{__name__=\"a.b\"}"},
      {"a+ignoring(\"x y\")group_left()b", "a + ignoring (\"x y\") group_left () b"},
      {"a[90s]@3 offset-1h", "a[1m30s] @ 3.000 offset -1h"},
      {"a @3 anchored offset 1h", "a @ 3.000 anchored offset 1h"},
      {"a[1w:1ms]", "a[1w:1ms]"},
      {"1e3", "1000"},
      {"90m", "1h30m"},
      {"-5m", "-5m"},
      {"Inf", "+Inf"},
      {"a+fill_left(1)fill_right(1)b", "a + fill (1) b"},
      {"a[(5m)]", "a[(5m)]"},
      {"a[max_of(1m,-step())]", "a[max_of(1m, -step())]"},
      {"\"a\\\"\\u0000é\"", "\"a\\\"\\x00é\""},
  };
  for (const auto& [text, printed] : rows) {
    CHECK(PrintOf(text) == printed);
    CHECK(PrintOf(printed) == printed);
  }
}

TEST_CASE("What is printed parses back to the same tree") {
  Generator generator(7);
  for (int i = 0; i < 3000; ++i) {
    const std::string text = Complete(generator.Vector(i % 5));
    INFO(text);
    const auto expr = ParseExpr(text);
    REQUIRE((expr ? "" : expr.error().front().message) == "");
    const std::string printed = Print(**expr);
    CHECK(PrintOf(printed) == printed);
    CHECK(TerseOf(printed) == Terse(**expr));
    CHECK(PrintOf(Prettify(**expr, 20)) == printed);
  }
}

TEST_CASE("Long lines are split at the outermost node that is too long") {
  CHECK(PrettyOf("sum(a)", 10) == "sum(a)");
  CHECK(PrettyOf("sum by (a) (foo{b=\"c\"})", 10) == "sum by (a) (\n  foo{b=\"c\"}\n)");
  CHECK(PrettyOf("aaaa + on (x) bbbb", 10) == "  aaaa\n+ on (x)\n  bbbb");
  CHECK(PrettyOf("topk(3, foo{b=\"c\"})", 10) == "topk(\n  3,\n  foo{b=\"c\"}\n)");
  CHECK(PrettyOf("-(aaaaaa + bbbbbb)", 10) == "-(\n    aaaaaa\n  +\n    bbbbbb\n)");
  CHECK(PrettyOf("rate(aaaaaaa[5m])[1h:]", 10) == "rate(\n  aaaaaaa[5m]\n)[1h:]");
  CHECK(PrettyOf("sum(aaaaaaaaaaaaaaaaaaaaaaaaaaa)", 100) == "sum(aaaaaaaaaaaaaaaaaaaaaaaaaaa)");
}

TEST_CASE("Selectors are found wherever they stand") {
  const auto expr = ParseExpr("topk(scalar(a), b) / on(x) rate(c{d=\"e\"}[5m:]) + -(f) or g[1m:]");
  REQUIRE(!expr);  // a range vector is no operand
  const auto sound = ParseExpr("topk(scalar(a), b) / on(x) rate(c{d=\"e\"}[5m]) + -(f)");
  REQUIRE(sound);
  std::vector<std::string> found;
  for (const Matchers& matchers : ExtractSelectors(**sound))
    found.push_back(PrintMatchers(matchers));
  CHECK(found == std::vector<std::string>{"{__name__=\"b\"}", "{__name__=\"a\"}",
                                          "{d=\"e\", __name__=\"c\"}", "{__name__=\"f\"}"});
}

}  // namespace barograph::promql
