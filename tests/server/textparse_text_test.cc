#include <catch2/catch.hpp>
#include <string>

#include "server/scrape/text_parser.h"
#include "tests/server/textparse_dump.h"

namespace barograph::server {
namespace {

std::string Dump(std::string_view page) {
  TextParser parser(page);
  return test::DumpPage(parser);
}

TEST_CASE("the text format's lines are read") {
  struct Case {
    std::string_view page, want;
  };
  for (const auto& [page, want] : {
           Case{"", ""},
           Case{"\n\n", ""},
           Case{"a 1", "a 1\n"},
           Case{"a 1\n", "a 1\n"},
           Case{"a 1\r\n",
                "error: strconv.ParseFloat: parsing \"1\\r\": invalid syntax while "
                "parsing: \"a 1\\r\""},
           Case{"  a \t 1 \t 2 \n", "a 1 at 2\n"},
           Case{"a{} 1\nb{c=\"d\"} -2.5e3\n", "a 1\nb{c=\"d\"} -2500\n"},
           Case{"a{ b = \"c\" , d=\"e\", } 1\n", "a{b=\"c\", d=\"e\"} 1\n"},
           Case{"a{b=\"c\"d=\"e\"} 1\n", "a{b=\"c\", d=\"e\"} 1\n"},
           Case{"a{b=\"\"} 1\n", "a 1\n"},
           Case{"a{b=\"x\\\"y\\\\z\\n\\t\"} 1\n", "a{b=\"x\\\"y\\\\z\\n\\\\t\"} 1\n"},
           Case{"{\"a.b\"} 1\n", "{\"a.b\"} 1\n"},
           Case{"{\"a.b\",\"c d\"=\"e\"} 1\n", "{\"a.b\", \"c d\"=\"e\"} 1\n"},
           Case{"{c=\"e\",\"a\"} 1\n", "a{c=\"e\"} 1\n"},
           Case{"a NaN\nb +Inf\nc -inf\nd Infinity\n", "a NaN\nb +Inf\nc -Inf\nd +Inf\n"},
           Case{"# HELP a  b \\\\ \\n\n# TYPE a counter\n", "help a  b \\ \n\ntype a counter\n"},
           Case{"# HELP a\n# TYPE a untyped\n", "help a \ntype a unknown\n"},
           Case{"#\n# x\n#HELP a b\n# UNIT a b\n# HELPX\n",
                "comment #\ncomment # x\ncomment #HELP a b\ncomment # UNIT a b\ncomment # HELPX\n"},
       }) {
    CAPTURE(page);
    CHECK(Dump(page) == want);
  }
}

TEST_CASE("bounds of histograms and summaries become canonical floats") {
  CHECK(Dump("# TYPE a histogram\na_bucket{le=\"1\"} 1\na_bucket{le=\"1e3\"} 1\n"
             "a_bucket{le=\"+Inf\"} 1\na_bucket{le=\"x\"} 1\n") ==
        "type a histogram\na_bucket{le=\"1.0\"} 1\na_bucket{le=\"1000.0\"} 1\n"
        "a_bucket{le=\"+Inf\"} 1\na_bucket{le=\"x\"} 1\n");
  CHECK(Dump("# TYPE a summary\na{quantile=\"0\"} 1\na{le=\"1\"} 1\n") ==
        "type a summary\na{quantile=\"0.0\"} 1\na{le=\"1\"} 1\n");
  CHECK(Dump("# TYPE a gauge\na{le=\"1\"} 1\n") == "type a gauge\na{le=\"1\"} 1\n");
}

TEST_CASE("a page that breaks the text format says where") {
  struct Case {
    std::string_view page, want;
  };
  for (const auto& [page, want] : {
           Case{"a", R"(expected value after metric, got "\n" ("INVALID") while parsing: "a\n")"},
           Case{"a{", R"(expected label name, got "\n" ("INVALID") while parsing: "a{\n")"},
           Case{"a{b", R"(expected equal, got "\n" ("INVALID") while parsing: "a{b\n")"},
           Case{"a{b=\"", R"(expected label value, got "\"\n" ("INVALID") while parsing: )"
                          R"("a{b=\"\n")"},
           Case{"a{b=\"c\"", R"(expected label name, got "\n" ("INVALID") while parsing: )"
                             R"("a{b=\"c\"\n")"},
           Case{"a{b=\"c\"}", R"(expected value after metric, got "\n" ("INVALID") while parsing: )"
                              R"("a{b=\"c\"}\n")"},
           Case{"a 1 x\n", R"(expected timestamp or new record, got "x" ("INVALID") while )"
                           R"(parsing: "a 1 x")"},
           Case{"a 1 2 3\n",
                R"(expected next entry after timestamp, got "3\n" ("TIMESTAMP") while )"
                R"(parsing: "a 1 2 3\n")"},
           Case{"a 1 99999999999999999999\n",
                R"(strconv.ParseInt: parsing "99999999999999999999": value out of range while )"
                R"(parsing: "a 1 99999999999999999999")"},
           Case{"a 1e999\n", R"(strconv.ParseFloat: parsing "1e999": value out of range while )"
                             R"(parsing: "a 1e999")"},
           Case{"a 1_0\n", R"(unsupported character in float while parsing: "a 1_0")"},
           Case{"a{b=\"\xff\"} 1\n", R"(invalid UTF-8 label value: "\"\xff\"")"},
           Case{"a{\"b\"} 1\n", R"(metric name already set while parsing: "a{\"b\"}")"},
           Case{"# TYPE a x\n", R"(invalid metric type "x")"},
           Case{"# HELP a \xff\n", R"(help text "\xff" is not a valid utf8 string)"},
           Case{"\xff 1\n",
                R"(expected a valid start token, got "\xff" ("INVALID") while parsing: )"
                R"("\xff")"},
           Case{"1 1\n", R"(expected a valid start token, got "1" ("INVALID") while parsing: "1")"},
           Case{"a{b=\"c\",b=\"d\"} 1\n", R"(label name "b" is not unique: invalid sample)"},
       }) {
    CAPTURE(page);
    CHECK(Dump(page) == "error: " + std::string(want));
  }
}

TEST_CASE("the message about a long line is short") {
  const std::string page = "a{b=\"" + std::string(1 << 20, 'x');
  CHECK(Dump(page).size() < 4096);
}

}  // namespace
}  // namespace barograph::server
