#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "base/model/number.h"
#include "base/model/sample.h"
#include "promql/parse/parser.h"

namespace barograph::promql {
namespace {

// The values with spaces between them; or the first error.
std::string ValuesOf(std::string_view text, const ParserOptions& options = {}) {
  const auto series = ParseSeriesDescription(text, options);
  if (!series) return series.error().front().Format(text);
  std::string out;
  for (const SequenceValue& value : series->values) {
    if (!out.empty()) out += ' ';
    if (value.omitted) {
      out += '_';
    } else if (value.histogram) {
      out += value.histogram->TestExpression();
    } else {
      out += IsStale(value.value) ? "stale" : FormatShortest(value.value);
    }
  }
  return out;
}

struct Row {
  std::string text;
  std::string values;
};

void Check(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    INFO(row.text);
    CHECK(ValuesOf(row.text) == row.values);
  }
}

}  // namespace

TEST_CASE("A series has a metric and values, repeated and in steps") {
  Check({
      {"m 1 -2 +3 4.5 1e3 .5", "1 -2 3 4.5 1000 0.5"},
      {"m 1x2", "1 1 1"},
      {"m 1+2x3", "1 3 5 7"},
      {"m 1-2x2 7", "1 -1 -3 7"},
      {"m -1--1x1", "1:6: parse error: unexpected <op:-> in series values"},
      {"m _ _x2 3", "_ _ _ 3"},
      {"m stale Inf NaN -inf", "stale +Inf NaN -Inf"},
      {"m  \t 1   2  ", "1 2"},
      {"m", ""},
      {"{}", ""},
      {"", ""},
      {"{a=\"b\",} 1", "1"},
      {"sum{a=\"b\"} 0x2", "0 0 0"},
  });
}

TEST_CASE("A wrong series names what is wrong") {
  Check({
      {"m 1+1", "1:6: parse error: unexpected end of input in series values"},
      {"m foo",
       "1:3: parse error: unexpected identifier \"foo\" in series values, expected number "
       "or \"stale\""},
      {"m 1x1.5",
       "1:5: parse error: invalid repetition in series values: strconv.ParseUint: "
       "parsing \"1.5\": invalid syntax"},
      {"m{a=b} 1", "1:5: parse error: unexpected identifier \"b\" in label set, expected string"},
      {"m{a} 1", "1:4: parse error: unexpected \"}\" in label set, expected \"=\""},
      {"m $", "1:3: parse error: unexpected character in series sequence: '$'"},
      {"m }", "1:3: parse error: unexpected character in series sequence: '}'"},
  });
}

TEST_CASE("Histograms are described, repeated, added and subtracted") {
  Check({
      {"m {{}}", "{{}}"},
      {"m {{schema:1 sum:2 count:3 z_bucket:4 z_bucket_w:0.5 buckets:[1 2] offset:-1 "
       "n_buckets:[3] n_offset:2 counter_reset_hint:gauge}}",
       "{{schema:1 count:3 sum:2 z_bucket:4 z_bucket_w:0.5 counter_reset_hint:gauge offset:-1 "
       "buckets:[1 2] n_offset:2 n_buckets:[3]}}"},
      {"m {{count:1}}x1", "{{count:1}} {{count:1}}"},
      {"m {{count:1 buckets:[1]}}+{{count:2 buckets:[0 2]}}x2",
       "{{count:1 buckets:[1]}} {{count:3 buckets:[1 2]}} {{count:5 buckets:[1 4]}}"},
      {"m {{count:5}}-{{count:2}}x2", "{{count:5}} {{count:3}} {{count:1}}"},
      {"m {{schema:0 buckets:[1]}}+{{schema:1 buckets:[1 2 3]}}x1",
       "{{buckets:[1]}} {{buckets:[2 5]}}"},
      {"m {{schema:-53 custom_values:[1 2 3] buckets:[1 1 1 1]}}+"
       "{{schema:-53 custom_values:[1 3] buckets:[1 1 1]}}x1",
       "{{schema:-53 custom_values:[1 2 3] buckets:[1 1 1 1]}} "
       "{{schema:-53 custom_values:[1 3] buckets:[2 3 2]}}"},
      {"m {{z_bucket:1 z_bucket_w:1 buckets:[5 6]}}+{{z_bucket:1 z_bucket_w:0.001}}x1",
       "{{z_bucket:1 z_bucket_w:1 buckets:[5 6]}} {{z_bucket:2 z_bucket_w:1 buckets:[5 6]}}"},
      {"m {{counter_reset_hint:gauge}}+{{counter_reset_hint:reset}}x1",
       "{{counter_reset_hint:gauge}} {{counter_reset_hint:gauge}}"},
  });
}

TEST_CASE("A wrong histogram names what is wrong") {
  Check({
      {"m {{foo:1}}", "1:5: parse error: bad histogram descriptor found: \"foo\""},
      {"m {{sum}}", "1:5: parse error: missing `:` for histogram descriptor"},
      {"m {{sum:1 sum:2}}", "1:1: parse error: duplicate key \"sum\" in histogram"},
      {"m {{sum:1 5}}",
       "1:11: parse error: unexpected number \"5\" in histogram description, "
       "expected histogram description key, e.g. buckets:[5 10 7]"},
      {"m {{sum:}}", "1:9: parse error: unexpected \"}}\" in series values"},
      {"m {{sum:1", "1:10: parse error: histogram description incomplete unexpected: '\uFFFD'"},
      {"m {{schema:1}}+{{schema:0}}x1",
       "1:29: parse error: error combining histograms: cannot merge from schema 0 to 1"},
      {"m {{schema:-53}}+{{schema:0}}x1",
       "1:31: parse error: cannot apply this operation on histograms with a mix of exponential and "
       "custom bucket schemas"},
  });
}

TEST_CASE("A hint that was written is told from one that was left out") {
  const auto series = ParseSeriesDescription("m {{counter_reset_hint:unknown}} {{}}");
  REQUIRE(series);
  CHECK(series->values[0].counter_reset_hint_set);
  CHECK(!series->values[1].counter_reset_hint_set);
}

TEST_CASE("Labels of a series may have quoted names, and the name may be one of them") {
  const auto series = ParseSeriesDescription("{\"a.b\", \"c d\"=\"\\u00e9\", e='f'} 1");
  REQUIRE(series);
  CHECK(series->labels == Labels({{"__name__", "a.b"}, {"c d", "é"}, {"e", "f"}}));
  CHECK(ParseMetric("up{job=\"x\"}") == Labels({{"__name__", "up"}, {"job", "x"}}));
  CHECK(!ParseMetric("up 1"));
}

TEST_CASE("Repetitions have a limit") {
  ParserOptions options;
  options.max_series_values = 5;
  CHECK(ValuesOf("m 1x4", options) == "1 1 1 1 1");
  CHECK(ValuesOf("m 1x5", options) ==
        "1:5: parse error: series has more than the limit of 5 values");
  CHECK(ValuesOf("m _x3 _x3", options).ends_with("series has more than the limit of 5 values"));
  CHECK(ValuesOf("m 1+1x18446744073709551615", options).ends_with("limit of 5 values"));
}

TEST_CASE("A selector for match[] is parsed without the checks of a query") {
  CHECK(ParseMetricSelector("up{a=\"b\"}")->size() == 2);
  CHECK(ParseMetricSelector("{}")->empty());
  CHECK(ParseMetricSelector("up[5m]").error().front().Format("up[5m]") ==
        "1:3: parse error: unexpected \"[\"");
  CHECK(!ParseMetricSelector("1"));
  CHECK(!ParseMetricSelector(""));
}

}  // namespace barograph::promql
