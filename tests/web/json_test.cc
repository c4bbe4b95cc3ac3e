#include <fmt/format.h>

#include <catch2/catch.hpp>

#include <limits>

#include "base/model/number.h"
#include "base/model/sample.h"
#include "web/api/api_result.h"
#include "web/api/escaped_name.h"
#include "web/api/json_writer.h"
#include "web/api/parameters.h"
#include "web/api/value_json.h"

namespace barograph::web {
namespace {

std::string StringJson(std::string_view text) {
  JsonWriter json;
  json.String(text);
  return json.Take();
}

TEST_CASE("Strings are escaped as Go does for HTML, labels only where they must be") {
  CHECK(StringJson("a\"\\\n\r\t\x01\x7f") == "\"a\\\"\\\\\\n\\r\\t\\u0001\x7f\"");
  CHECK(StringJson("<>&") == R"("\u003c\u003e\u0026")");
  CHECK(StringJson("\u2028h\u00e9\u4e16\U0001F600") == "\"\\u2028h\u00e9\u4e16\U0001F600\"");
  CHECK(StringJson("a\xff\xc3z") == R"("a\ufffd\ufffdz")");
  // Wherever it stands in texts of any length.
  for (size_t size = 1; size < 40; ++size) {
    for (size_t at = 0; at < size; ++at) {
      for (const auto& [odd, escaped] :
           std::vector<std::pair<std::string, std::string>>{{"\"", "\\\""},
                                                            {"\\", "\\\\"},
                                                            {"<", "\\u003c"},
                                                            {"\x1f", "\\u001f"},
                                                            {"\x80", "\\ufffd"},
                                                            {" ", " "},
                                                            {"\x7f", "\x7f"}}) {
        std::string text(size, 'x');
        text.replace(at, 1, odd);
        std::string expected(size, 'x');
        expected.replace(at, 1, escaped);
        REQUIRE(StringJson(text) == "\"" + expected + "\"");
      }
    }
  }
  JsonWriter json;
  json.LabelSet(Labels{{"<", "&\"\u2028\xff"}});
  CHECK(json.Take() == "{\"<\":\"&\\\"\u2028\\ufffd\"}");
}

TEST_CASE("What must be escaped in labels is, wherever it stands") {
  const auto escaped = [](char c) -> std::string {
    switch (c) {
      case '"': return "\\\"";
      case '\\': return "\\\\";
      case '\n': return "\\n";
      case '\r': return "\\r";
      case '\t': return "\\t";
      default: break;
    }
    if (static_cast<uint8_t>(c) >= 0x80) return "\\ufffd";
    return c < 0x20 ? fmt::format("\\u{:04x}", static_cast<int>(c)) : std::string(1, c);
  };
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    for (size_t size = 1; size < 20; ++size) {
      for (size_t at = 0; at < size; ++at) {
        std::string text(size, 'x');
        text[at] = c;
        const std::string expected =
            std::string(at, 'x') + escaped(c) + std::string(size - at - 1, 'x');
        JsonWriter json;
        json.LabelSet(Labels{{"a", "b"}, {"n", text}});
        REQUIRE(json.Take() == R"({"a":"b","n":")" + expected + "\"}");
      }
    }
  }
  JsonWriter json;
  json.BeginArray();
  json.LabelSet(Labels());
  json.LabelSet(Labels{{"a", "b"}});
  json.EndArray();
  CHECK(json.Take() == R"([{},{"a":"b"}])");
}

TEST_CASE("Sample values have an exponent only where Prometheus gives them one") {
  for (const auto& [value, text] :
       std::vector<std::pair<double, std::string>>{{0, "0"},
                                                   {-0.0, "-0"},
                                                   {1e20, "100000000000000000000"},
                                                   {1e21, "1e+21"},
                                                   {1e-6, "0.000001"},
                                                   {-1.5e-7, "-1.5e-07"},
                                                   {1.0 / 3, "0.3333333333333333"},
                                                   {kNormalNan, "NaN"},
                                                   {kInf, "+Inf"},
                                                   {-kInf, "-Inf"}}) {
    JsonWriter json;
    json.SampleValue(value);
    CHECK(json.Take() == "\"" + text + "\"");
  }
}

TEST_CASE("Numbers are as in Go's JSON") {
  for (const auto& [value, text] : std::vector<std::pair<double, std::string>>{
           {0.0125, "0.0125"}, {1e-7, "1e-7"}, {1e-10, "1e-10"}, {1e21, "1e+21"}, {kInf, "null"}}) {
    JsonWriter json;
    json.Number(value);
    CHECK(json.Take() == text);
  }
}

TEST_CASE("What several threads write of a matrix is what one writes") {
  promql::Matrix matrix;
  for (int i = 0; i < 60; ++i) {
    promql::ResultSeries& series = matrix.series.emplace_back();
    series.labels = Labels{{"i", std::to_string(i)}};
    for (int k = 0; k < (i % 7) * 400; ++k) {
      series.timestamps.push_back(FromMs(1'700'000'000'000 + k * 15'137));
      series.values.push_back(k / 3.0 + i);
    }
    if (i % 5 != 0) continue;
    series.histograms.resize(series.size());
    if (!series.histograms.empty()) series.histograms.back() = FloatHistogram{};
  }
  const promql::Value value(std::move(matrix));
  JsonWriter alone;
  REQUIRE(WriteValue(alone, value));
  const std::string expected = alone.Take();
  for (const size_t threads : {0, 1, 3}) {
    WorkerPool workers(threads);
    JsonWriter together;
    CHECK(WriteValue(together, value, {}, &workers));
    CHECK(together.Take() == expected);
    std::stop_source stop;
    stop.request_stop();
    CHECK_FALSE(WriteValue(together, value, stop.get_token(), &workers));
  }
}

TEST_CASE("Samples of an array are written as each is alone") {
  // Times with and without milliseconds, before 1970, and around where leading digits change.
  std::vector<Timestamp> timestamps;
  for (const int64_t start :
       std::vector<int64_t>{-90'000, 0, 9'900'000, 1'699'999'900'000, 1'700'000'000'123}) {
    for (int64_t k = 0; k < 70; ++k) timestamps.push_back(FromMs(start + k * 15'000 / 7));
  }
  timestamps.push_back(FromMs(ToMs(kMaxTimestamp) / 2));
  const std::vector<double> some = {0, 1.5, -0.0, 1e21, 1.0 / 3, 1e-7, 123456789.123, kNormalNan};
  for (size_t size = 0; size <= timestamps.size(); ++size) {
    std::vector<double> values;
    std::string expected = "[";
    for (size_t i = 0; i < size; ++i) {
      values.push_back(some[i % some.size()] * static_cast<double>(1 + i / 20));
      JsonWriter json;
      json.Sample(ToMs(timestamps[i]), values[i]);
      expected += (i > 0 ? "," : "") + json.Take();
    }
    JsonWriter json;
    json.SampleArray(std::span(timestamps).first(size), values);
    REQUIRE(json.Take() == expected + "]");
  }
}

TEST_CASE("What was written in its envelope is not put into one again") {
  JsonWriter json;
  BeginEnvelope(json);
  json.Int(1);
  ApiData data{.json = json.Take(), .in_envelope = true, .warnings = {"w"}, .infos = {}};
  Complete(data);
  CHECK(data.json == R"({"status":"success","data":1,"warnings":["w"]})");
}

TEST_CASE("What was written in pieces ends behind the last one") {
  JsonWriter json;
  BeginEnvelope(json);
  json.BeginArray();
  json.Int(1);
  json.Continue({"2", ",3"});
  json.Int(4);
  json.EndArray();
  std::vector<std::string> pieces = json.TakePieces();
  CHECK(pieces == std::vector<std::string>{R"({"status":"success","data":[1,)", "2", ",3", ",4]"});
  ApiData data{.json = pieces[0],
               .more = {pieces.begin() + 1, pieces.end()},
               .in_envelope = true,
               .warnings = {},
               .infos = {"i"}};
  Complete(data);
  CHECK(data.more.back() == R"(,4],"infos":["i"]})");

  JsonWriter empty;
  empty.BeginArray();
  empty.Continue({});
  empty.EndArray();
  CHECK(empty.Take() == "[]");
}

TEST_CASE("Ten notes of a kind are shown, more are counted") {
  ApiData data{.json = "1", .warnings = {}, .infos = {"i"}};
  for (int i = 0; i < 12; ++i) data.warnings.push_back(std::to_string(i));
  Complete(data);
  CHECK(data.json ==
        R"({"status":"success","data":1,"warnings":["0","1","2","3","4","5","6","7","8","9",)"
        R"("2 more warning annotations omitted"],"infos":["i"]})");
}

TEST_CASE("Times are unix seconds or RFC 3339") {
  for (const auto& [text, ms] : std::vector<std::pair<std::string, int64_t>>{
           {"0", 0},
           {"1435781451.781", 1435781451781},
           {"-1.5", -1500},
           {"1e3", 1'000'000},
           {"0.0004", 0},
           {"0.0006", 1},
           {"1970-01-01T00:00:01Z", 1000},
           {"2015-07-01T20:10:51.781Z", 1435781451781},
           {"2015-07-01T22:10:51.781999999+02:00", 1435781451781},
           {"1969-12-31T23:59:59.5-00:30", 1'799'500},
           {"2024-02-29T00:00:00Z", 1709164800000}})
    CHECK(ToMs(ParseTime(text).value()) == ms);
  CHECK(ParseTime("1e300").value() == kMaxTimestamp);
  CHECK(ParseTime("-292273086-05-16T16:47:06Z").value() == kMinTimestamp);
  for (const auto* bad :
       {"", "x", "NaN", "Inf", "2023-02-29T00:00:00Z", "2015-07-01", "2015-07-01T24:00:00Z",
        "2015-07-01T00:00:00", "2015-07-01T00:00:00.Z", "2015-07-01T00:00:00Zx",
        "2015-07-01t00:00:00z", "2015-07-01T00:00:00+1:00"})
    CHECK_FALSE(ParseTime(bad));
}

TEST_CASE("Spans are seconds or durations") {
  using namespace std::chrono_literals;
  CHECK(ParseSpan("1.5").value() == 1500ms);
  CHECK(ParseSpan("-2").value() == -2s);
  CHECK(ParseSpan("1h30m").value() == 90min);
  CHECK(ParseSpan("0.0000001").value() == 100ns);
  CHECK_FALSE(ParseSpan(""));
  CHECK_FALSE(ParseSpan("NaN"));
  CHECK_FALSE(ParseSpan("1e10"));
}

TEST_CASE("Names are unescaped from a path's form") {
  CHECK(UnescapeName("U__a_2e_b__c") == "a.b_c");
  CHECK(UnescapeName("U___1f600_") == "\U0001F600");
  CHECK(UnescapeName("U__a_2e") == "U__a_2e");
  CHECK(UnescapeName("U__a_zz_") == "U__a_zz_");
  CHECK(UnescapeName("U__a_d800_") == "U__a_d800_");
  CHECK(UnescapeName("U__a_1234567_") == "U__a_1234567_");
  CHECK(UnescapeName("a_2e_b") == "a_2e_b");
}

std::string HistogramJson(const FloatHistogram& histogram) {
  JsonWriter json;
  WriteHistogram(json, histogram);
  return json.Take();
}

TEST_CASE("Histograms show their buckets from the lowest, empty ones left out") {
  FloatHistogram histogram;
  histogram.schema = 0;
  histogram.zero_threshold = 0.25;
  histogram.zero_count = 2;
  histogram.count = 10;
  histogram.sum = 12.5;
  histogram.positive_spans = {{0, 2}, {1, 1}};
  histogram.positive_buckets = {1, 0, 3};
  histogram.negative_spans = {{1, 1}};
  histogram.negative_buckets = {4};
  CHECK(HistogramJson(histogram) ==
        R"({"count":"10","sum":"12.5","buckets":[[1,"-2","-1","4"],[3,"-0.25","0.25","2"],)"
        R"([0,"0.5","1","1"],[0,"4","8","3"]]})");
  CHECK(HistogramJson(FloatHistogram()) == R"({"count":"0","sum":"0"})");
}

TEST_CASE("Histograms with custom buckets show their bounds") {
  FloatHistogram histogram;
  histogram.schema = kCustomBucketsSchema;
  histogram.count = 6;
  histogram.sum = 1;
  histogram.custom_values = {1, 2.5};
  histogram.positive_spans = {{0, 3}};
  histogram.positive_buckets = {1, 2, 3};
  CHECK(HistogramJson(histogram) ==
        R"({"count":"6","sum":"1","buckets":[[3,"-Inf","1","1"],[0,"1","2.5","2"],)"
        R"([0,"2.5","+Inf","3"]]})");
}

TEST_CASE("A series with floats and histograms shows both") {
  promql::ResultSeries series;
  series.labels = Labels{{"a", "b"}};
  series.timestamps = {FromMs(1000), FromMs(2000)};
  series.values = {1, 0};
  series.histograms = {std::nullopt, FloatHistogram()};
  promql::Matrix matrix;
  matrix.series.push_back(series);
  JsonWriter json;
  WriteValue(json, promql::Value(matrix));
  CHECK(json.Take() ==
        R"([{"metric":{"a":"b"},"values":[[1,"1"]],"histograms":[[2,{"count":"0","sum":"0"}]]}])");
}

TEST_CASE("Nobody writes for a client that is gone") {
  promql::Matrix matrix;
  matrix.series.push_back(
      {.labels = {}, .timestamps = {FromMs(0)}, .values = {1}, .histograms = {}});
  std::stop_source stop;
  JsonWriter json;
  CHECK(WriteValue(json, promql::Value(matrix), stop.get_token()));
  stop.request_stop();
  CHECK_FALSE(WriteValue(json, promql::Value(matrix), stop.get_token()));
  CHECK_FALSE(WriteValue(json, promql::Value(promql::Vector{matrix.series}), stop.get_token()));
}

TEST_CASE("A sample's time is written as any other, whichever sample was before it") {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  JsonWriter json;
  std::string expected = "[";
  json.BeginArray();
  for (const int64_t ms : {int64_t{0}, int64_t{-1}, int64_t{9'999'999}, int64_t{10'000'000},
                           int64_t{10'000'050}, int64_t{19'999'999}, int64_t{20'000'000},
                           int64_t{1'764'009'999'999}, int64_t{1'764'010'000'000},
                           int64_t{1'764'010'007'000}, int64_t{10'000'001}, kMax, kMin, kMax - 7}) {
    json.Sample(ms, 1);
    if (expected.size() > 1) expected += ',';
    expected += '[';
    AppendSeconds(expected, ms);
    expected += ",\"1\"]";
  }
  json.EndArray();
  CHECK(json.Take() == expected + "]");
}

}  // namespace
}  // namespace barograph::web
