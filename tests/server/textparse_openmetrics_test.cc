#include <catch2/catch.hpp>
#include <string>

#include "server/scrape/openmetrics_parser.h"
#include "tests/server/textparse_dump.h"

namespace barograph::server {
namespace {

std::string Dump(std::string_view page) {
  OpenMetricsParser parser(page);
  return test::DumpPage(parser);
}

TEST_CASE("OpenMetrics lines are read") {
  struct Case {
    std::string_view page, want;
  };
  for (const auto& [page, want] : {
           Case{"# EOF", ""},
           Case{"# EOF\n", ""},
           Case{"a 1\n# EOF\n", "a 1\n"},
           Case{"a 1 1.5\n# EOF\n", "a 1 at 1500\n"},
           Case{"a 1 -1e3\n# EOF\n", "a 1 at -1000000\n"},
           Case{"a{b=\"c\",} 1\n# EOF\n", "a{b=\"c\"} 1\n"},
           Case{"{\"a.b\",c=\"d\"} 1\n# EOF\n", "{\"a.b\", c=\"d\"} 1\n"},
           Case{"a_total 1 # {t=\"x\"} 0.5\n# EOF\n", "a_total 1 # {t=\"x\"} 0.5\n"},
           Case{"a_total 1 2 # {} 0.5 1\n# EOF\n", "a_total 1 at 2000 # {} 0.5\n"},
           Case{"a{b=\" # {x\"} 1\n# EOF\n", "a{b=\" # {x\"} 1\n"},
           Case{"# HELP a \\\"b\\\"\n# TYPE a info\n# UNIT a_s s\n# EOF\n",
                "help a \"b\"\ntype a info\nunit a_s s\n"},
           Case{"a_created 1\n# EOF\n", "a_created 1\n"},
       }) {
    CAPTURE(page);
    CHECK(Dump(page) == want);
  }
}

TEST_CASE("a page that breaks OpenMetrics says where") {
  struct Case {
    std::string_view page, want;
  };
  for (const auto& [page, want] : {
           Case{"", "data does not end with # EOF"},
           Case{"a 1\n", "data does not end with # EOF"},
           Case{"a 1\n# EO", R"(expected a valid start token, got "# EO" ("INVALID") while )"
                             R"(parsing: "# EO")"},
           Case{"# EOF\n# EOF\n", "unexpected data after # EOF"},
           Case{"a  1\n# EOF\n", R"(expected value after metric, got "  " ("INVALID") while )"
                                 R"(parsing: "a  ")"},
           Case{"a 1 # x\n# EOF\n", R"(expected timestamp or new record, got " # x" ("INVALID") )"
                                    R"(while parsing: "a 1 # x")"},
           Case{"a 1 +Inf\n# EOF\n", "invalid timestamp +Inf"},
           Case{"# comment\n# EOF\n", R"(expected a valid start token, got "# c" ("INVALID") )"
                                      R"(while parsing: "# c")"},
       }) {
    CAPTURE(page);
    const std::string got = Dump(page);
    CHECK(got.substr(std::min(got.find("error: "), got.size())) == "error: " + std::string(want));
  }
}

}  // namespace
}  // namespace barograph::server
