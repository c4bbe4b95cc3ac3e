#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "promql/parse/dump.h"
#include "promql/parse/functions.h"
#include "promql/parse/parser.h"
#include "tests/promql/parse_dump.h"

namespace barograph::promql {
namespace {

struct Row {
  std::string text;
  std::string tree;
};

void Check(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    INFO(row.text);
    CHECK(TerseOf(row.text) == row.tree);
  }
}

}  // namespace

TEST_CASE("Operators bind by precedence, ^ to the right and the others to the left") {
  Check({
      {"a + b * c", "(+ a (* b c))"},
      {"a * b + c", "(+ (* a b) c)"},
      {"a - b - c", "(- (- a b) c)"},
      {"a ^ b ^ c", "(^ a (^ b c))"},
      {"a / b % c atan2 d", "(atan2 (% (/ a b) c) d)"},
      {"a or b and c unless d", "(or a (unless (and b c) d))"},
      {"a == b + c", "(== a (+ b c))"},
      {"a < b > c", "(> (< a b) c)"},
      {"a </ 3 + 1", "(</ a (+ 3 1))"},
      {"a >/ 3", "(>/ a 3)"},
      {"(a + b) * c", "(* [(+ a b)] c)"},
      {"1 AND b", "error: set operator \"and\" not allowed in binary scalar expression"},
      {"a UNLESS b", "(unless a b)"},
  });
}

TEST_CASE("A sign binds tighter than * and looser than ^ and the modifiers") {
  Check({
      {"-a * b", "(* (- a) b)"},
      {"-a ^ b", "(- (^ a b))"},
      {"a ^ -b * c", "(* (^ a (- b)) c)"},
      {"-1 ^ 2", "(- (^ 1 2))"},
      {"- -1", "1"},
      {"-+-2", "2"},
      {"-a offset 5m", "(- (at offset=5m a))"},
      {"+a", "(+ a)"},
  });
}

TEST_CASE("Numbers have all of Go's forms") {
  Check({
      {"0x1f", "31"},
      {"0X1F", "31"},
      {"010", "8"},
      {"08", "8"},
      {"1_000", "1000"},
      {"1_000.5", "1000.5"},
      {"1e3", "1000"},
      {"1.e2", "100"},
      {".5", "0.5"},
      {"1E-3", "0.001"},
      {"Inf", "+Inf"},
      {"-iNF", "-Inf"},
      {"NaN", "NaN"},
      {"5m", "300s"},
      {"1h30m5s10ms", "5405.01s"},
      {"1e-400", "0"},
      {"9223372036854775808", "9.223372036854776e+18"},
      {"0x_1f", "31"},
      {"1e400",
       "error: error parsing number: strconv.ParseFloat: parsing \"1e400\": value out of "
       "range"},
  });
}

TEST_CASE("Strings have three kinds of quotes and Go's escapes") {
  Check({
      {R"("a\"b'c")", R"("a\"b'c")"},
      {R"('a\'b"c')", R"("a'b\"c")"},
      {R"(`a\b`)", R"("a\\b")"},
      {R"("\x41\101\u00e9\U0001F600\n")", "\"AA\u00e9\U0001F600\\n\""},
      {R"("\xff")", R"("\xff")"},
      {R"("\q")", "error: unknown escape sequence U+0071 'q'"},
      {R"("\'")", "error: unknown escape sequence U+0027 '''"},
      {R"("\xg0")", "error: illegal character U+0067 'g' in escape sequence"},
      {R"("\400")", "error: escape sequence is an invalid Unicode code point"},
      {R"("\ud800")", "error: escape sequence is an invalid Unicode code point"},
      {"\"a\nb\"", "error: unterminated quoted string"},
      {"`a\nb`", R"("a\nb")"},
      {"\"\xff\"", "error: invalid UTF-8 rune"},
  });
}

TEST_CASE("Selectors take matchers of four kinds and quoted names") {
  Check({
      {"a{b=\"c\",d!=\"e\",f=~\"g\",h!~\"i\",}",
       "a{b=\"c\",d!=\"e\",f=~\"g\",h!~\"i\",__name__=\"a\"}"},
      {"{\"a.b\", \"c d\"='e'}", "{__name__=\"a.b\",\"c d\"=\"e\"}"},
      {"a{}", "a"},
      {"a:b", "a:b"},
      {":a", ":a"},
      {"{__name__=\"a\"}", "{__name__=\"a\"}"},
      {"a{by=\"1\",sum=\"2\",on=\"3\"}", "a{by=\"1\",sum=\"2\",on=\"3\",__name__=\"a\"}"},
      {"a # a comment\n{ # another\n b=\"c\"}", "a{b=\"c\",__name__=\"a\"}"},
  });
}

TEST_CASE("Modifiers apply to the selector before them, in any order") {
  Check({
      {"a offset 5m", "(at offset=5m a)"},
      {"a offset -1h30m", "(at offset=-1h30m a)"},
      {"a OFFSET 90", "(at offset=1m30s a)"},
      {"a @ 1.5", "(at @=1500 a)"},
      {"a @ -1e3 offset 1m", "(at offset=1m @=-1000000 a)"},
      {"a @ 5m", "(at @=300000 a)"},
      {"a offset 1m @ end()", "(at offset=1m @=end a)"},
      {"a[5m] @ start() offset 1h", "(range 5m (at offset=1h @=start a))"},
      {"a anchored", "(at anchored a)"},
      {"a[5m] smoothed offset 1m", "(range 5m (at offset=1m smoothed a))"},
      {"a[5m:1m] offset 1h @ 7", "(subquery 5m:1m offset=1h @=7000 a)"},
      {"a[5m:]", "(subquery 5m: a)"},
      {"a + b offset 5m", "(+ a (at offset=5m b))"},
      {"rate(a[1m])[5m:30s]", "(subquery 5m:30s (rate (range 1m a)))"},
      {"(a + b)[5m:]", "(subquery 5m: [(+ a b)])"},
      {"a offset 5m * 2", "(* (at offset=5m a) 2)"},
      {"a offset -5m ^ 2", "(^ (at offset=-5m a) 2)"},
  });
}

TEST_CASE("Durations are expressions in brackets and, in parentheses, behind offset") {
  Check({
      {"a[5m+1m*2]", "(range (+ 300s (* 60s 2)) a)"},
      {"a[(5m+1m)*2]", "(range (* (+() 300s 60s) 2) a)"},
      {"a[2^3^2]", "(range (^ 2 (^ 3 2)) a)"},
      {"a[-5m+10m]", "(range (+ -300s 600s) a)"},
      {"a[step()]", "(range (step) a)"},
      {"a[max_of(step(), 2*range())]", "(range (max_of (step) (* 2 (range))) a)"},
      {"a[5m:min_of(1m,step())]", "(subquery 5m:(min_of 60s (step)) a)"},
      {"a offset (5m-1m)", "(at offset=(-() 300s 60s) a)"},
      {"a offset (5m) * 2", "(at offset=(* (+() 300s) 2) a)"},
      {"a offset -(5m) * 2", "(* (at offset=(- (+() 300s)) a) 2)"},
      {"a offset -step()", "(at offset=(- (step)) a)"},
      {"a offset step() * 2", "(* (at offset=(step) a) 2)"},
      {"a offset - -5m + 1m", "(at offset=(+ 300s 60s) a)"},
      {"a[ 5m ]", "(range 5m a)"},
      {"a[1.5]", "(range 1s500ms a)"},
  });
}

TEST_CASE("Aggregations take their clause on either side, and parameters first") {
  Check({
      {"sum(a)", "(sum a)"},
      {"sum by (b, c) (a)", "(sum by=b,c a)"},
      {"sum(a) by (b,)", "(sum by=b a)"},
      {"sum without () (a)", "(sum without= a)"},
      {"topk(3, a)", "(topk 3 a)"},
      {"count_values(\"v\", a) by (b)", "(count_values by=b \"v\" a)"},
      {"limit_ratio(-0.5, a)", "(limit_ratio -0.5 a)"},
      {"sum by (\"a b\", sum, by, bool, on, offset) (a)", "(sum by=a b,sum,by,bool,on,offset a)"},
      {"SUM(a)", "(sum a)"},
  });
}

TEST_CASE("Binary operators take matching clauses and fill values") {
  Check({
      {"a == bool b", "(== bool a b)"},
      {"a + on(x) b", "(+ on=x a b)"},
      {"a + on() b", "(+ on= a b)"},
      {"a + ignoring(x, y) group_left(z) b", "(+ ignoring=x,y left=z a b)"},
      {"a + on(x) group_right b", "(+ on=x right= a b)"},
      {"a + on(x) group_left (b)", "error: unexpected end of input"},
      {"a + fill(1) b", "(+ fill_left=1 fill_right=1 a b)"},
      {"a + on(x) fill_right(-2) fill_left(3) b", "(+ on=x fill_left=3 fill_right=-2 a b)"},
      {"fill + fill", "(+ fill fill)"},
      {"a and b", "(and a b)"},
      {"1 + 2", "(+ 1 2)"},
  });
}

TEST_CASE("Every word of the language is a metric's name where it can be") {
  for (const std::string name :
       {"and",      "or",       "unless",      "sum",      "avg",     "count",   "min",
        "max",      "group",    "stddev",      "stdvar",   "topk",    "bottomk", "count_values",
        "limitk",   "by",       "limit_ratio", "quantile", "without", "offset",  "fill",
        "start",    "end",      "step",        "range",    "max_of",  "min_of",  "fill_left",
        "smoothed", "anchored", "fill_right"}) {
    CHECK(TerseOf(name) == name);
    CHECK(TerseOf(name + "{a=\"b\"}") == name + "{a=\"b\",__name__=\"" + name + "\"}");
    CHECK(TerseOf("rate(" + name + "[5m])") == "(rate (range 5m " + name + "))");
    CHECK(TerseOf("{" + name + "=\"1\"}") == "{" + name + "=\"1\"}");
  }
  for (const std::string name : {"bool", "on", "ignoring", "group_left", "group_right", "atan2"}) {
    CHECK(TerseOf(name).starts_with("error: unexpected <"));
  }
}

TEST_CASE("Every function is found by its name and no other") {
  CHECK(AllFunctions().size() == 90);
  for (const FunctionSignature& function : AllFunctions()) {
    CHECK(FindFunction(function.name) == &function);
  }
  CHECK(FindFunction("") == nullptr);
  CHECK(FindFunction("rates") == nullptr);
  CHECK(TerseOf("nothing(1)") == "error: unknown function with name \"nothing\"");
  CHECK(TerseOf("Rate(a[5m])") == "error: unknown function with name \"Rate\"");
}

TEST_CASE("info()'s second argument may select everything") {
  CHECK(TerseOf("info(a, {})") == "(info a {})");
  CHECK(TerseOf("info(a, {b=\"\"})") == "(info a {b=\"\"})");
}

TEST_CASE("The JSON of a tree has Prometheus's fields and positions") {
  const auto tree = ParseExpr("-a{b=\"c\"} offset 1m > bool 2");
  REQUIRE(tree);
  CHECK(DumpJson(**tree) ==
        R"({"node":"BinaryExpr","Op":">","LHS":{"node":"UnaryExpr","Op":"-","Expr":)"
        R"({"node":"VectorSelector","Name":"a","OriginalOffset":60000000000,"LabelMatchers":[)"
        R"({"node":"Matcher","Type":"=","Name":"b","Value":"c"},)"
        R"({"node":"Matcher","Type":"=","Name":"__name__","Value":"a"}],)"
        R"("PosRange":{"node":"PositionRange","Start":1,"End":19}}},)"
        R"("RHS":{"node":"NumberLiteral","Val":2,"PosRange":{"node":"PositionRange",)"
        R"("Start":27,"End":28}},"ReturnBool":true})");
}

}  // namespace barograph::promql
