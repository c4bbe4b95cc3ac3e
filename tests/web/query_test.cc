#include <catch2/catch.hpp>

#include "tests/web/fakes.h"
#include "web/api/handlers.h"

namespace barograph::web {
namespace {

using test::Web;

/// Two series of one metric, a sample each 15 s from 1000 s on.
void AddRequests(Web& web) {
  for (const auto& [code, factor] : {std::pair("200", 2.5), std::pair("500", 0.1)}) {
    std::vector<std::pair<int64_t, double>> samples;
    for (int i = 0; i <= 40; ++i) samples.emplace_back(1'000'000 + i * 15'000, i * factor);
    web.storage.Add(Labels{{"__name__", "requests_total"}, {"code", code}}, samples);
  }
}

TEST_CASE("An instant query of a scalar, a string, a vector and a matrix") {
  Web web;
  AddRequests(web);
  CHECK(web.Ask("/api/v1/query?query=1%2B1&time=12.5") ==
        R"({"status":"success","data":{"resultType":"scalar","result":[12.5,"2"]}})");
  CHECK(web.Data("/api/v1/query?query=%22a%3Cb%22&time=0") ==
        R"({"resultType":"string","result":[0,"a\u003cb"]})");
  CHECK(web.Data("/api/v1/query?query=requests_total&time=1030.123") ==
        R"({"resultType":"vector","result":[)"
        R"({"metric":{"__name__":"requests_total","code":"200"},"value":[1030.123,"5"]},)"
        R"({"metric":{"__name__":"requests_total","code":"500"},"value":[1030.123,"0.2"]}]})");
  CHECK(web.Data("/api/v1/query?query=requests_total%7Bcode=%22200%22%7D[30s]&time=1030") ==
        R"({"resultType":"matrix","result":[{"metric":{"__name__":"requests_total","code":"200"},)"
        R"("values":[[1015,"2.5"],[1030,"5"]]}]})");
  CHECK(web.Data("/api/v1/query?query=requests_total%7Bcode=%22200%22%7D&time=1030.5")
            .find(R"("value":[1030.500,"5"])") != std::string::npos);
  CHECK(web.Data("/api/v1/query?query=nothing&time=0") == R"({"resultType":"vector","result":[]})");
}

TEST_CASE("The time of an instant query is now when none is given") {
  Web web;
  web.clock.Set(FromMs(1'234'567));
  CHECK(web.Data("/api/v1/query?query=time()") ==
        R"({"resultType":"scalar","result":[1234.567,"1234.567"]})");
}

TEST_CASE("A range query") {
  Web web;
  AddRequests(web);
  CHECK(web.Data("/api/v1/query_range?query=sum(requests_total)&start=1000&end=1060&step=30s") ==
        R"({"resultType":"matrix","result":[{"metric":{},)"
        R"("values":[[1000,"0"],[1030,"5.2"],[1060,"10.4"]]}]})");
}

TEST_CASE("A form may be posted") {
  Web web;
  const auto response = web.Post("/api/v1/query?time=5", "query=time()&time=7");
  CHECK(response.status == 200);
  CHECK(response.headers.Get("Content-Type") == "application/json");
  CHECK(response.body == R"({"status":"success","data":{"resultType":"scalar","result":[7,"7"]}})");
}

TEST_CASE("Bad parameters are named in Prometheus's words") {
  Web web;
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"query?query=sum(&time=0",
       R"(invalid parameter \"query\": 1:5: parse error: unclosed left parenthesis)"},
      {"query?query=up&time=x",
       R"(invalid parameter \"time\": invalid time value for 'time': cannot parse \"x\" to a valid timestamp)"},
      {"query?query=up&timeout=x",
       R"(invalid parameter \"timeout\": cannot parse \"x\" to a valid duration)"},
      {"query?query=up&timeout=1e300",
       R"(invalid parameter \"timeout\": cannot parse \"1e300\" to a valid duration. It overflows int64)"},
      {"query?query=up&lookback_delta=x",
       R"(error parsing lookback delta duration: cannot parse \"x\" to a valid duration)"},
      {"query?query=up&limit=x",
       R"(invalid parameter \"limit\": strconv.Atoi: parsing \"x\": invalid syntax)"},
      {"query?query=up&limit=99999999999999999999",
       R"(invalid parameter \"limit\": strconv.Atoi: parsing \"99999999999999999999\": value out of range)"},
      {"query?query=up&limit=-1", R"(invalid parameter \"limit\": limit must be non-negative)"},
      {"query_range?query=up&end=1&step=1",
       R"(invalid parameter \"start\": cannot parse \"\" to a valid timestamp)"},
      {"query_range?query=up&start=1&end=NaN&step=1",
       R"(invalid parameter \"end\": cannot parse \"NaN\" to a valid timestamp)"},
      {"query_range?query=up&start=1&end=0&step=1",
       R"(invalid parameter \"end\": end timestamp must not be before start time)"},
      {"query_range?query=up&start=0&end=1&step=0",
       R"(invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive integer)"},
      {"query_range?query=up&start=0&end=1&step=-5m",
       R"(invalid parameter \"step\": cannot parse \"-5m\" to a valid duration)"},
      {"query_range?query=up&start=0&end=100000&step=1",
       R"(exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX))"},
      {"query_range?query=up[5m]&start=0&end=10&step=1",
       R"(invalid parameter \"query\": invalid expression type \"range vector\" for range query, must be Scalar or instant Vector)"},
  };
  for (const auto& [request, message] : cases)
    CHECK(web.Ask("/api/v1/" + request) ==
          R"(400 {"status":"error","errorType":"bad_data","error":")" + message + R"("})");
}

TEST_CASE("Of two bad parameters the one is named that Prometheus looks at first") {
  Web web;
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"query?query=(&limit=x&time=x", R"(\"limit\")"},
      {"query?query=(&time=x&timeout=x", R"(\"time\")"},
      {"query?query=(&timeout=x&lookback_delta=x", R"(\"timeout\")"},
      {"query?query=(&lookback_delta=x", "lookback delta"},
      {"query_range?query=(&limit=x&start=x", R"(\"limit\")"},
      {"query_range?query=(&start=1&end=0&step=x&timeout=x", R"(\"end\")"},
      {"query_range?query=(&start=0&end=1&step=0&timeout=x", R"(\"step\")"},
      {"query_range?query=(&start=0&end=1&step=1&timeout=x", R"(\"timeout\")"},
  };
  for (const auto& [request, named] : cases) {
    CAPTURE(request);
    CHECK(web.Ask("/api/v1/" + request).find(named) != std::string::npos);
  }
}

TEST_CASE("The time in which a query waits for a thread counts to its time-out") {
  Web web;
  const QueryMetrics query_metrics(web.metrics, 1);
  const ApiContext context{.storage = web.storage,
                           .exemplars = web.storage,
                           .statistics = web.storage,
                           .engine = web.engine,
                           .state = web.state,
                           .query_metrics = query_metrics,
                           .queries = web.queries,
                           .clock = web.clock,
                           .build = {},
                           .admin = nullptr};
  const auto ask = [&](const std::string& parameters, std::chrono::seconds queued) {
    ApiRequest request;
    request.form = net::FormValues::Parse("query=1&time=0" + parameters);
    request.queued = queued;
    const ApiResult result = HandleQuery(context, request);
    return result ? "answered" : Envelope(result.error());
  };
  const std::string late =
      R"({"status":"error","errorType":"timeout","error":"query timed out in query queue"})";
  CHECK(ask("&timeout=60", std::chrono::seconds(59)) == "answered");
  CHECK(ask("&timeout=60", std::chrono::seconds(60)) == late);
  CHECK(ask("", std::chrono::seconds(119)) == "answered");
  CHECK(ask("", std::chrono::seconds(120)) == late);
  CHECK(ask("&timeout=1h", std::chrono::seconds(120)) == late);
}

TEST_CASE("lookback_delta is how far back a query looks, 0 is the server's own") {
  Web web;
  web.storage.Add(Labels{{"__name__", "seen"}}, {{1'000'000, 1}});
  const auto sees = [&web](const std::string& parameter) {
    const std::string instant = web.Data("/api/v1/query?query=seen&time=1200" + parameter);
    const std::string range =
        web.Data("/api/v1/query_range?query=seen&start=1200&end=1200&step=1" + parameter);
    CHECK((instant.find("seen") == instant.npos) == (range.find("seen") == range.npos));
    return instant.find("seen") != instant.npos;
  };
  CHECK(sees(""));
  CHECK(sees("&lookback_delta=0"));
  CHECK(sees("&lookback_delta=-7"));
  CHECK_FALSE(sees("&lookback_delta=200"));
  CHECK(sees("&lookback_delta=200.001"));
  CHECK_FALSE(sees("&lookback_delta=3m"));
}

TEST_CASE("The largest range is allowed, and times beyond all sense are no overflow") {
  Web web;
  CHECK(web.Get("/api/v1/query_range?query=1&start=0&end=11000&step=1").status == 200);
  CHECK(web.Get("/api/v1/query_range?query=1&start=-1e300&end=1e300&step=1").status == 400);
  CHECK(web.Get("/api/v1/query?query=1&time=1e300").status == 400);
}

TEST_CASE("Failures have the type and status of what failed") {
  Web web;
  AddRequests(web);
  CHECK(
      web.Ask("/api/v1/query?query=requests_total%20*%20ignoring(code)%20requests_total&time=1030")
          .starts_with(R"(422 {"status":"error","errorType":"execution","error":)"));
  CHECK(web.Ask("/api/v1/query?query=requests_total&time=1030&timeout=0")
            .starts_with(R"(503 {"status":"error","errorType":"timeout","error":)"));
  web.storage.failure = Error{ErrorCode::kCorruption, "block 7: <bad>"};
  const std::string failed = web.Ask("/api/v1/query?query=requests_total&time=1030");
  CHECK(failed.starts_with(R"(500 {"status":"error","errorType":"internal","error":)"));
  CHECK(failed.find(R"(block 7: \u003cbad\u003e)") != failed.npos);
}

TEST_CASE("A client that has left gets no query run") {
  Web web;
  std::stop_source stop;
  stop.request_stop();
  auto request = test::MakeRequest("GET", "/api/v1/query?query=1");
  request.stop = stop.get_token();
  const auto response = web.Send(request);
  CHECK(response.status == 499);
  CHECK(response.body == R"({"status":"error","errorType":"canceled","error":"context canceled"})");
}

TEST_CASE("A limit cuts vectors and matrices, and says so") {
  Web web;
  AddRequests(web);
  CHECK(web.Ask("/api/v1/query?query=requests_total&time=1030&limit=1") ==
        R"({"status":"success","data":{"resultType":"vector","result":[)"
        R"({"metric":{"__name__":"requests_total","code":"200"},"value":[1030,"5"]}]},)"
        R"("warnings":["results truncated due to limit"]})");
  CHECK(web.Ask("/api/v1/query_range?query=requests_total&start=1000&end=1001&step=1&limit=2")
            .find("warnings") == std::string::npos);
}

TEST_CASE("Statistics come when asked for") {
  Web web;
  AddRequests(web);
  const std::string data = web.Data("/api/v1/query?query=requests_total&time=1030&stats=true");
  CHECK(data.find(R"("stats":{"timings":{"evalTotalTime":)") != data.npos);
  CHECK(data.find(R"("samples":{"totalQueryableSamples":2,"samplesRead":2,"peakSamples":)") !=
        data.npos);
  CHECK(web.Ask("/api/v1/query?query=1&stats=yes").find(R"(value \"yes\" for parameter)") !=
        std::string::npos);
}

TEST_CASE("Notes of a query are shown beside its data") {
  Web web;
  AddRequests(web);
  const std::string answer = web.Ask("/api/v1/query?query=quantile(2,requests_total)&time=1030");
  CHECK(answer.find(R"(,"warnings":["PromQL warning: quantile value should be between 0 and 1)") !=
        answer.npos);
}

TEST_CASE("Expressions are formatted and taken apart") {
  Web web;
  CHECK(web.Data("/api/v1/format_query?query=foo%2Fbar") == R"("foo / bar")");
  CHECK(web.Data("/api/v1/parse_query?query=-rate(a%7Bb!=%22c%22%7D[5m]%20offset%201m)") ==
        R"({"type":"unaryExpr","op":"-","expr":{"type":"call","func":{"name":"rate",)"
        R"("argTypes":["matrix"],"variadic":0,"returnType":"vector"},"args":[)"
        R"({"type":"matrixSelector","range":300000,"rangeExpr":null,"name":"a","offset":60000,)"
        R"("offsetExpr":null,"timestamp":null,"startOrEnd":null,"matchers":[)"
        R"({"name":"b","value":"c","type":"!="},{"name":"__name__","value":"a","type":"="}],)"
        R"("anchored":false,"smoothed":false}]}})");
  CHECK(
      web.Data(
          "/api/v1/parse_query?query=sum%20by(x)(a)%20%2B%20on(x)%20group_left%20b%20@%20end()") ==
      R"({"type":"binaryExpr","op":"+","lhs":{"type":"aggregation","op":"sum","expr":)"
      R"({"type":"vectorSelector","name":"a","offset":0,"offsetExpr":null,"timestamp":null,)"
      R"("startOrEnd":null,"matchers":[{"name":"__name__","value":"a","type":"="}],)"
      R"("anchored":false,"smoothed":false},"param":null,"grouping":["x"],"without":false},)"
      R"("rhs":{"type":"vectorSelector","name":"b","offset":0,"offsetExpr":null,)"
      R"("timestamp":null,"startOrEnd":"end","matchers":)"
      R"([{"name":"__name__","value":"b","type":"="}],"anchored":false,"smoothed":false},)"
      R"("matching":{"card":"many-to-one","labels":["x"],"on":true,"include":[],)"
      R"("fillValues":{"lhs":null,"rhs":null}},"bool":false})");
  CHECK(
      web.Data("/api/v1/parse_query?query=a[max_of(1m%2Bstep(),5)]")
          .find(R"("rangeExpr":{"type":"durationExpr","op":"max_of","lhs":{"type":"durationExpr",)"
                R"("op":"+","lhs":{"type":"numberLiteral","val":"60","duration":true},"rhs":)"
                R"({"type":"durationExpr","op":"step","lhs":null,"rhs":null,"wrapped":false},)"
                R"("wrapped":false},"rhs":{"type":"numberLiteral","val":"5","duration":false},)"
                R"("wrapped":false})") != std::string::npos);
  CHECK(web.Ask("/api/v1/format_query?query=a(").starts_with("400 "));
}

TEST_CASE("stats=all tells what each operator cost") {
  Web web;
  AddRequests(web);
  const std::string all =
      web.Data("/api/v1/query?query=sum(rate(requests_total[1m]))&time=1300&stats=all");
  CHECK(all.find(R"j("operators":[{"depth":0,"operator":"sum","series":1,"samples":0,)j") !=
        std::string::npos);
  CHECK(all.find(R"j({"depth":1,"operator":"rate(requests_total[1m])","series":2,"samples":8,)j") !=
        std::string::npos);
  const std::string plain =
      web.Data("/api/v1/query?query=sum(requests_total)&time=1300&stats=true");
  CHECK(plain.find("operators") == std::string::npos);
}

TEST_CASE("stats=all tells what each step looked at, as Prometheus counts") {
  Web web;
  AddRequests(web);
  const auto steps_of = [&](const std::string& query, const std::string& times) {
    const std::string data = web.Data("/api/v1/query" + times + "&stats=all&query=" + query);
    const size_t from = data.find(R"("totalQueryableSamplesPerStep":)");
    const size_t to = data.find(R"(,"peakSamples")");
    return from == data.npos || to == data.npos ? data : data.substr(from, to - from);
  };
  const std::string range = "_range?start=1300&end=1330&step=15";
  CHECK(
      steps_of("sum(rate(requests_total[1m]))", range) ==
      R"("totalQueryableSamplesPerStep":[[1300,8],[1315,8],[1330,8]],"totalQueryableSamples":24,"samplesRead":12)");
  // What is evaluated once counts at every step.
  CHECK(
      steps_of("requests_total%20@%201300", range) ==
      R"("totalQueryableSamplesPerStep":[[1300,2],[1315,2],[1330,2]],"totalQueryableSamples":6,"samplesRead":2)");
  // Of a subquery its own samples count, and not what they are made of.
  CHECK(
      steps_of("max_over_time(rate(requests_total[1m])[30s:15s])", range) ==
      R"("totalQueryableSamplesPerStep":[[1300,4],[1315,4],[1330,4]],"totalQueryableSamples":12,"samplesRead":14)");
  // Unless it is the query.
  CHECK(steps_of("requests_total[30s:15s]", "?time=1300") ==
        R"("totalQueryableSamplesPerStep":[[1300,4]],"totalQueryableSamples":4,"samplesRead":4)");
  CHECK(steps_of("requests_total[1m]", "?time=1300") ==
        R"("totalQueryableSamplesPerStep":[[1300,8]],"totalQueryableSamples":8,"samplesRead":8)");
  CHECK(
      steps_of("1", range) ==
      R"("totalQueryableSamplesPerStep":[[1300,0],[1315,0],[1330,0]],"totalQueryableSamples":0,"samplesRead":0)");
}

TEST_CASE("A plan is explained with what storage has") {
  Web web;
  AddRequests(web);
  CHECK(web.Data("/api/v1/query_explain?query=sum(requests_total)&start=1000&end=1060&step=15") ==
        R"j({"plan":[{"depth":0,"kind":"aggregate","expression":"sum(requests_total)","steps":5,)j"
        R"j("estimatedSeries":1},{"depth":1,"kind":"selector","expression":"requests_total",)j"
        R"j("steps":5,"estimatedSeries":2,"estimatedSamples":10}],"text":)j"
        R"j("aggregate sum(requests_total)  (5 steps, 1 series)\n  selector requests_total  )j"
        R"j((5 steps, 2 series, about 10 samples)\n"})j");
  CHECK(web.Ask("/api/v1/query_explain?query=sum(&time=0").find("parse error") !=
        std::string::npos);
}

}  // namespace
}  // namespace barograph::web
