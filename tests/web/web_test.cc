#include "web/web.h"

#include <catch2/catch.hpp>

#include "net/compression.h"
#include "tests/web/fakes.h"
#include "web/router.h"

namespace barograph::web {
namespace {

using test::Web;

std::string Location(const net::HttpResponse& response) {
  return std::to_string(response.status) + " " + std::string(response.headers.Get("Location"));
}

TEST_CASE("The front door leads to the page") {
  Web web;
  CHECK(Location(web.Get("/")) == "302 /query");
  CHECK(Location(web.Get("/graph?g0.expr=up")) == "302 /query?g0.expr=up");
  for (const auto* path : {"/query", "/targets"}) {
    const auto page = web.Get(path);
    CHECK(page.status == 200);
    CHECK(page.headers.Get("Content-Type") == "text/html; charset=utf-8");
    CHECK(page.body.find("<title>Barograph</title>") != page.body.npos);
    CHECK(page.body.ends_with("</html>\n"));
  }
}

TEST_CASE("The page's title is escaped") {
  Web web({.external_url = {},
           .route_prefix = {},
           .page_title = "<b>&",
           .cors_origin = ".*",
           .enable_lifecycle = false,
           .query_concurrency = 1,
           .build = {}});
  CHECK(web.Get("/query").body.find("<title>&lt;b&gt;&amp;</title>") != std::string::npos);
}

TEST_CASE("Unknown paths and methods are refused in text") {
  Web web;
  CHECK(web.Ask("/nothing") == "404 404 page not found\n");
  CHECK(web.Ask("/api/v1/nothing") == "404 404 page not found\n");
  const auto wrong = web.Send(test::MakeRequest("DELETE", "/api/v1/query"));
  CHECK(wrong.status == 405);
  CHECK(wrong.headers.Get("Allow") == "GET, OPTIONS, POST");
  CHECK(Location(web.Get("/targets/")) == "301 /targets");
  CHECK(Location(web.Get("//evil.example/")) == "404 ");
}

TEST_CASE("Health, readiness, version and own metrics") {
  WebOptions options;
  options.build = {.version = "1.2",
                   .revision = "abc",
                   .branch = "main",
                   .build_user = "u@h",
                   .build_date = "d",
                   .compiler = "clang"};
  Web web(options);
  CHECK(web.Ask("/-/healthy") == "Prometheus Server is Healthy.\n");
  CHECK(web.Ask("/-/ready") == "Prometheus Server is Ready.\n");
  const std::string build =
      R"({"version":"1.2","revision":"abc","branch":"main","buildUser":"u@h","buildDate":"d",)"
      R"("goVersion":"clang"})";
  CHECK(web.Ask("/version") == build + "\n");
  CHECK(web.Data("/api/v1/status/buildinfo") == build);
  const auto metrics = web.Get("/metrics");
  CHECK(metrics.body == "own_metric 1\n");
  CHECK(metrics.headers.Get("Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
}

TEST_CASE("A server that is not ready answers 503, and is healthy even so") {
  Web web;
  web.state.is_ready = false;
  for (const auto* path : {"/-/ready", "/api/v1/query?query=1", "/api/v1/targets"}) {
    const auto response = web.Get(path);
    CHECK(response.status == 503);
    CHECK(response.body == "Service Unavailable");
    CHECK(response.headers.Get("X-Prometheus-Stopping") == "false");
  }
  CHECK(web.Get("/-/healthy").status == 200);
  CHECK(web.Get("/metrics").status == 200);
}

TEST_CASE("Reload and quit need their flag and a POST") {
  Web locked;
  for (const auto* path : {"/-/reload", "/-/quit"}) {
    CHECK(locked.Post(path, "").status == 403);
    CHECK(locked.Post(path, "").body == "Lifecycle API is not enabled.");
    CHECK(locked.Ask(path) == "405 Only POST or PUT requests allowed");
  }
  CHECK(locked.state.reloads + locked.state.quits == 0);

  WebOptions options;
  options.enable_lifecycle = true;
  Web web(options);
  CHECK(web.Post("/-/reload", "").status == 200);
  CHECK(web.state.reloads == 1);
  web.state.reload_outcome = Fail(ErrorCode::kInvalidArgument, "2:3: no such field");
  const auto failed = web.Send(test::MakeRequest("PUT", "/-/reload"));
  CHECK(failed.status == 500);
  CHECK(failed.body == "failed to reload config: 2:3: no such field\n");
  CHECK(web.Post("/-/quit", "").body == "Requesting termination... Goodbye!");
  CHECK(web.Post("/-/quit", "").body == "Termination already in progress.");
  CHECK(web.state.quits == 1);
}

TEST_CASE("Other origins may call the API as the policy says") {
  const auto ask = [](Web& web, const std::string& method, const std::string& origin) {
    auto request = test::MakeRequest(method, "/api/v1/query?query=1&time=0");
    if (!origin.empty()) request.headers.Add("Origin", origin);
    return web.Send(request);
  };
  Web open;
  const auto any = ask(open, "OPTIONS", "https://x.example");
  CHECK(any.status == 204);
  CHECK(any.headers.Get("Access-Control-Allow-Origin") == "*");
  CHECK(any.headers.Get("Access-Control-Allow-Methods") == "GET, POST, OPTIONS");
  CHECK_FALSE(ask(open, "GET", "").headers.Has("Access-Control-Allow-Origin"));

  WebOptions options;
  options.cors_origin = "https?://(a|b)\\.example";
  Web closed(options);
  CHECK(ask(closed, "GET", "http://a.example").headers.Get("Access-Control-Allow-Origin") ==
        "http://a.example");
  const auto refused = ask(closed, "GET", "http://a.example.evil");
  CHECK_FALSE(refused.headers.Has("Access-Control-Allow-Origin"));
  CHECK(refused.headers.Get("Vary") == "Origin");
}

TEST_CASE("A prefix holds for every route and for redirects") {
  WebOptions options;
  options.external_url = "https://example.org/monitoring/";
  Web web(options);
  CHECK(Location(web.Get("/")) == "302 /monitoring/");
  CHECK(Location(web.Get("/monitoring/")) == "302 /monitoring/query");
  CHECK(web.Get("/monitoring/-/healthy").status == 200);
  CHECK(web.Get("/monitoring/api/v1/labels").status == 200);
  CHECK(web.Get("/-/healthy").status == 404);

  options.route_prefix = "/";
  Web behind_a_proxy(options);
  CHECK(Location(behind_a_proxy.Get("/")) == "302 /monitoring/query");
  CHECK(behind_a_proxy.Get("/api/v1/labels").status == 200);
}

TEST_CASE("Options that make no sense are refused") {
  Web web;
  ThreadPool pool(1);
  const WebDependencies dependencies{web.storage, web.storage, web.storage, web.engine, web.queries,
                                     web.state,   web.metrics, pool,        web.clock,  nullptr};
  WebOptions options;
  options.cors_origin = "(";
  CHECK_FALSE(MakeHandler(options, dependencies));
  options = WebOptions();
  options.external_url = "nonsense";
  CHECK_FALSE(MakeHandler(options, dependencies));
}

TEST_CASE("The admin endpoints are off by default, and take POST and PUT only") {
  Web web;
  const auto off = web.Send(test::MakeRequest("POST", "/api/v1/admin/tsdb/clean_tombstones"));
  CHECK(off.status == 500);
  CHECK(off.body ==
        R"({"status":"error","errorType":"unavailable","error":"admin APIs disabled"})");
  CHECK(web.Get("/api/v1/admin/tsdb/snapshot").status == 405);
}

TEST_CASE("The admin endpoints delete, clean and make snapshots") {
  Web web({}, /*with_admin=*/true);
  const auto post = [&](const std::string& target) {
    return web.Send(test::MakeRequest("POST", "/api/v1/admin/tsdb/" + target));
  };
  CHECK(post("delete_series").status == 400);
  CHECK(post("delete_series?match[]=a&start=x").status == 400);
  CHECK(web.admin.calls.empty());
  CHECK(post("delete_series?match[]=a&match[]=b{c=%22d%22}&start=1&end=2").status == 204);
  CHECK(post("clean_tombstones").status == 204);
  CHECK(post("snapshot").body == R"({"status":"success","data":{"name":"copy"}})");
  CHECK(post("snapshot?skip_head=true").status == 200);
  CHECK(post("snapshot?skip_head=perhaps").status == 400);
  CHECK(web.admin.calls == std::vector<std::string>{"delete {__name__=\"a\"} 1000 2000",
                                                    "delete {c=\"d\", __name__=\"b\"} 1000 2000",
                                                    "clean", "snapshot all", "snapshot blocks"});
}

TEST_CASE("Large answers are compressed before they reach the I/O thread") {
  Web web;
  for (int i = 0; i < 500; ++i)
    web.storage.Add(Labels{{"__name__", "m"}, {"i", std::to_string(i)}}, {{0, 1}});
  auto request = test::MakeRequest("GET", "/api/v1/series?match[]=m");
  request.headers.Add("Accept-Encoding", "gzip");
  const auto response = web.Send(request);
  CHECK(response.headers.Get("Content-Encoding") == "gzip");
  net::BodyBuffer plain;
  REQUIRE(net::GunzipInto(response.body, 0, plain));
  CHECK((plain.view() == web.Ask("/api/v1/series?match[]=m")));
}

TEST_CASE("Queries are counted and timed") {
  WebOptions options;
  options.query_concurrency = 7;
  Web web(options);
  web.storage.Add(Labels{{"__name__", "m"}}, {{0, 1}});
  web.Ask("/api/v1/query?query=m&time=1");
  web.Ask("/api/v1/query?query=m(");
  const std::string metrics = "\n" + web.metrics.Expose();
  for (const std::string line :
       {"prometheus_engine_queries 0", "prometheus_engine_queries_concurrent_max 7",
        "prometheus_engine_query_samples_total 1", "prometheus_engine_query_samples_read_total 1",
        R"(prometheus_engine_query_duration_seconds_count{slice="inner_eval"} 1)",
        R"(prometheus_engine_query_duration_seconds_count{slice="queue_time"} 1)"}) {
    CAPTURE(line);
    CHECK(metrics.find("\n" + line + "\n") != std::string::npos);
  }
}

TEST_CASE("Requests are counted under the pattern of their route") {
  Web web;
  web.Get("/api/v1/label/a/values");
  web.Get("/api/v1/label/b/values");
  web.Get("/api/v1/query");
  const std::string text = web.metrics.Expose();
  for (const auto* line :
       {R"(prometheus_http_requests_total{code="200",handler="/api/v1/label/:name/values"} 2)",
        R"(prometheus_http_requests_total{code="400",handler="/api/v1/query"} 1)",
        R"(prometheus_http_requests_total{code="200",handler="/metrics"} 0)",
        R"(prometheus_http_request_duration_seconds_count{handler="/api/v1/query"} 1)",
        R"(prometheus_http_response_size_bytes_bucket{handler="/api/v1/query",le="100"})"})
    CHECK(text.find(line) != text.npos);
}

}  // namespace
}  // namespace barograph::web
