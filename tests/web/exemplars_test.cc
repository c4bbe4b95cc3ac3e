#include <catch2/catch.hpp>

#include "tests/web/fakes.h"

namespace barograph::web::test {

TEST_CASE("Exemplars are shown by series, with values as text and times in seconds") {
  Web web;
  web.storage.exemplars = {
      {Labels{{"__name__", "hits_total"}, {"job", "a"}},
       {{Labels{{"trace_id", "<x>"}}, 0.5, FromMs(1'500)}, {Labels(), 2, FromMs(2'000)}}},
      {Labels{{"__name__", "more"}}, {{Labels(), 1e21, FromMs(-1)}}}};
  CHECK(web.Data("/api/v1/query_exemplars?query=hits_total&start=1&end=2.5") ==
        R"([{"seriesLabels":{"__name__":"hits_total","job":"a"},"exemplars":[)"
        R"({"labels":{"trace_id":"<x>"},"value":"0.5","timestamp":1.500},)"
        R"({"labels":{},"value":"2","timestamp":2}]},)"
        R"({"seriesLabels":{"__name__":"more"},"exemplars":[)"
        R"({"labels":{},"value":"1e+21","timestamp":-0.001}]}])");
  CHECK(web.storage.exemplars_asked == R"(1000 2500 {__name__="hits_total"})");
  CHECK(web.Post("/api/v1/query_exemplars", "query=x&start=3&end=4").status == 200);
  CHECK(web.storage.exemplars_asked == R"(3000 4000 {__name__="x"})");
}

TEST_CASE("Exemplars are asked for with every selector of an expression") {
  Web web;
  CHECK(web.Data("/api/v1/query_exemplars?start=0&end=1&query=" +
                 std::string("histogram_quantile(scalar(q),sum(rate(a[5m]))by(le))%2F-b%3E(") +
                 "max_over_time(c{x=~\"y\"}[1h:1m]))") == "[]");
  CHECK(web.storage.exemplars_asked ==
        R"(0 1000 {__name__="q"} {__name__="a"} {__name__="b"} {x=~"y", __name__="c"})");
}

TEST_CASE("An expression without selectors has no exemplars to show") {
  Web web;
  CHECK(web.Ask("/api/v1/query_exemplars?query=1%2B1") == "204 ");
}

TEST_CASE("What is wrong with a request for exemplars is told as Prometheus tells it") {
  Web web;
  const std::pair<std::string, std::string> cases[] = {
      {"query=x&start=a", R"(invalid parameter \"start\")"},
      {"query=x&end=a", R"(invalid parameter \"end\")"},
      {"query=x&start=2&end=1", R"("error":"end timestamp must not be before start timestamp")"},
      {"query=x{", R"("error":"1:3: parse error: unexpected end of input inside braces")"},
  };
  for (const auto& [parameters, error] : cases) {
    CAPTURE(parameters);
    const std::string answer = web.Ask("/api/v1/query_exemplars?" + parameters);
    CHECK(answer.starts_with(R"(400 {"status":"error","errorType":"bad_data")"));
    CHECK(answer.find(error) != std::string::npos);
  }
  web.storage.failure = Error{ErrorCode::kIo, "disk"};
  CHECK(web.Ask("/api/v1/query_exemplars?query=x").starts_with("422 "));
}

}  // namespace barograph::web::test
