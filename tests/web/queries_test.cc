#include <catch2/catch.hpp>
#include <functional>

#include "tests/support/fault_file_system.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/memory_sink.h"
#include "tests/web/fakes.h"
#include "web/queries/shorten.h"

namespace barograph::web {
namespace {

using barograph::test::FaultFileSystem;
using barograph::test::FileOperation;
using barograph::test::MemoryFileSystem;
using barograph::test::MemorySink;
using test::Web;

/// Storage without series that calls the test from the middle of a query.
class CallingStorage final : public Queryable {
 public:
  explicit CallingStorage(std::function<void()> call) : call_(std::move(call)) {}

  Result<std::unique_ptr<Selection>> Select(TimeRange range, const Matchers& matchers,
                                            const SelectHints& hints,
                                            std::stop_token stop) const override {
    call_();
    return empty_.Select(range, matchers, hints, stop);
  }
  Result<std::vector<std::string>> LabelNames(const LabelQuery&, std::stop_token) const override {
    return {};
  }
  Result<std::vector<std::string>> LabelValues(const std::string&, const LabelQuery&,
                                               std::stop_token) const override {
    return {};
  }
  Result<std::vector<Labels>> Series(const LabelQuery&, std::stop_token) const override {
    return {};
  }

 private:
  const std::function<void()> call_;
  const test::FakeStorage empty_;
};

QueryInfo Info(const std::string& query) {
  return {.query = query,
          .times = {FromMs(1'500), FromMs(61'500), Duration(15'000)},
          .queued = std::chrono::milliseconds(250),
          .client = "10.0.0.1",
          .method = "GET",
          .path = "/api/v1/query_range"};
}

std::string LongQuery(size_t length) { return "up{a=\"" + std::string(length, 'x') + "\"}"; }

/// A tracker with its log and its file on a disk in memory.
struct Fixture {
  MemoryFileSystem memory;
  FaultFileSystem files{memory};
  barograph::test::ManualClock clock{FromMs(1'700'000'000'000)};
  std::shared_ptr<MemorySink> sink = std::make_shared<MemorySink>();
  Logger logger = MemorySink::MakeLogger(sink);
  MetricsRegistry metrics;
  promql::Engine engine{promql::EngineOptions(), clock};
  QueryLog log{files, clock, metrics, logger};
  std::optional<ActiveQueries> active;
  std::optional<QueryTracker> tracker;

  Fixture() {
    REQUIRE(files.CreateDirectories("/d").has_value());
    Restart();
  }

  void Restart() {
    active.emplace(files, "/d", logger);
    tracker.emplace(engine, clock, &log, &*active);
  }

  Result<promql::QueryResult> Run(const std::string& query, std::function<void()> during = [] {}) {
    return tracker->Run(Info(query), CallingStorage(std::move(during)), {});
  }

  std::string File(const std::string& path) { return files.ReadFile(path).value_or("no file"); }
};

TEST_CASE_METHOD(Fixture, "A query is shown while it runs, and cancelled by its number") {
  const auto result = Run("up", [this] {
    clock.Advance(std::chrono::milliseconds(1500));
    const auto running = tracker->Running();
    REQUIRE(running.size() == 1);
    CHECK(running[0].id == 1);
    CHECK(running[0].info.query == "up");
    CHECK(running[0].started == FromMs(1'700'000'000'000));
    CHECK(running[0].seconds == 1.5);
    CHECK_FALSE(running[0].cancelled);
    CHECK_FALSE(tracker->Cancel(2));
    CHECK(tracker->Cancel(1));
    CHECK(tracker->Running().at(0).cancelled);
  });
  CHECK(result.error().code == ErrorCode::kCancelled);
  CHECK(tracker->Running().empty());
  CHECK_FALSE(tracker->Cancel(1));
  REQUIRE(tracker->Slowest().size() == 1);
  CHECK(tracker->Slowest()[0].seconds == 1.5);
  CHECK(tracker->Slowest()[0].end.error == result.error().message);
}

TEST_CASE_METHOD(Fixture, "A client that leaves ends its query") {
  std::stop_source client;
  promql::QuerySettings settings;
  settings.stop = client.get_token();
  const auto result =
      tracker->Run(Info("up"), CallingStorage([&client] { client.request_stop(); }), settings);
  CHECK(result.error().code == ErrorCode::kCancelled);
}

TEST_CASE_METHOD(Fixture, "A query whose storage throws is forgotten") {
  CHECK_THROWS(Run("up", [] { throw std::runtime_error("out of paper"); }));
  CHECK(tracker->Running().empty());
  Restart();
  CHECK_FALSE(sink->Contains("didn't finish"));
}

TEST_CASE_METHOD(Fixture, "The slowest queries of the last hour are kept, the slowest first") {
  for (int i = 0; i < 50; ++i) {
    const int seconds = (i * 7) % 50;
    REQUIRE(Run("q" + std::to_string(seconds), [&] {
              clock.Advance(std::chrono::seconds(seconds));
            }).has_value());
  }
  const auto slowest = tracker->Slowest();
  REQUIRE(slowest.size() == 32);
  for (size_t i = 0; i < slowest.size(); ++i) {
    CHECK(slowest[i].info.query == "q" + std::to_string(49 - i));
    CHECK(slowest[i].seconds == static_cast<double>(49 - i));
  }
  clock.Advance(std::chrono::hours(1));
  CHECK(tracker->Slowest().empty());
  REQUIRE(Run("late").has_value());
  CHECK(tracker->Slowest().size() == 1);
}

TEST_CASE_METHOD(Fixture, "Of a very long query the begin is kept") {
  const std::string query = LongQuery(10'000);
  REQUIRE(tracker->Run(Info(query), CallingStorage([] {}), {}).has_value());
  CHECK(tracker->Slowest().at(0).info.query == query.substr(0, 4096));
}

TEST_CASE("A text is not cut within a character") {
  CHECK(Shorten("abc", 3) == "abc");
  CHECK(Shorten("abc", 2) == "ab");
  CHECK(Shorten("a\u20ACb", 3) == "a");
  CHECK(Shorten("a\u20ACb", 4) == "a\u20AC");
  CHECK(Shorten("\x80\x80\x80", 2).empty());
}

TEST_CASE_METHOD(Fixture, "The query log has a line for each query that was run") {
  REQUIRE(log.Open("/d/query.log").has_value());
  CHECK(metrics.Expose().find("prometheus_engine_query_log_enabled 1") != std::string::npos);
  REQUIRE(Run("sum(up) > \"a\" or vector(1)").error().code == ErrorCode::kInvalidArgument);
  CHECK(File("/d/query.log").empty());
  REQUIRE(Run("up > 1", [this] { clock.Advance(std::chrono::milliseconds(500)); }).has_value());
  CHECK(File("/d/query.log") ==
        R"({"time":"2023-11-14T22:13:20.500Z","level":"INFO","msg":"promql query logged",)"
        R"("params":{"end":"1970-01-01T00:01:01.500Z","query":"up > 1",)"
        R"("start":"1970-01-01T00:00:01.500Z","step":15},"stats":{"timings":{)"
        R"("evalTotalTime":0.5,"resultSortTime":0,"queryPreparationTime":0,"innerEvalTime":0.5,)"
        R"("execQueueTime":0.25,"execTotalTime":0.5},"samples":{"totalQueryableSamples":0,)"
        R"("samplesRead":0,"peakSamples":0}},"spanID":"0000000000000000",)"
        R"("traceID":"00000000000000000000000000000000","httpRequest":{"clientIP":"10.0.0.1",)"
        R"("method":"GET","path":"/api/v1/query_range"}})"
        "\n");
}

TEST_CASE_METHOD(Fixture, "The query log tells the error of a query that failed") {
  REQUIRE(log.Open("/d/query.log").has_value());
  REQUIRE_FALSE(Run("up", [this] {
                  clock.Advance(std::chrono::seconds(1));
                  tracker->Cancel(1);
                }).has_value());
  const std::string line = File("/d/query.log");
  CHECK(line.find(R"("error":"query was canceled in )") != line.npos);
  CHECK(line.find(R"("execTotalTime":1}")") == line.npos);
  CHECK(line.find(R"("execTotalTime":1})") != line.npos);
}

TEST_CASE_METHOD(Fixture, "Opened anew, the query log lets go of a file that was moved away") {
  REQUIRE(log.Open("/d/query.log").has_value());
  REQUIRE(Run("first").has_value());
  REQUIRE(files.Rename("/d/query.log", "/d/old.log").has_value());
  REQUIRE(log.Open("/d/query.log").has_value());
  REQUIRE(Run("second").has_value());
  CHECK(File("/d/old.log").find("first") != std::string::npos);
  CHECK(File("/d/old.log").find("second") == std::string::npos);
  CHECK(File("/d/query.log").find("second") != std::string::npos);

  CHECK_FALSE(log.Open("/nowhere/query.log").has_value());
  REQUIRE(Run("third").has_value());
  CHECK(File("/d/query.log").find("third") != std::string::npos);

  REQUIRE(log.Open("").has_value());
  REQUIRE(Run("fourth").has_value());
  CHECK(File("/d/query.log").find("fourth") == std::string::npos);
  CHECK(metrics.Expose().find("prometheus_engine_query_log_enabled 0") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "A query log that cannot be written is counted, and logged once") {
  REQUIRE(log.Open("/d/query.log").has_value());
  files.Inject({.operation = FileOperation::kAppend, .path_part = "query.log", .stays = true});
  CHECK(Run("a").has_value());
  CHECK(Run("b").has_value());
  CHECK(metrics.Expose().find("prometheus_engine_query_log_failures_total 2") != std::string::npos);
  CHECK(sink->Count(LogLevel::kError, "can't log query") == 1);
}

TEST_CASE_METHOD(Fixture, "What ran when the process was killed is logged at the next start") {
  REQUIRE(Run("ended").has_value());
  std::string killed;
  REQUIRE(Run("outer{a=\"<\\n\"}", [&] {
            REQUIRE(Run("inner").has_value());
            killed = File("/d/queries.active");
          }).has_value());
  Restart();
  CHECK_FALSE(sink->Contains("didn't finish"));

  REQUIRE(memory.WriteFile("/d/queries.active", killed + "+9 {\"query\":\"torn").has_value());
  sink = std::make_shared<MemorySink>();
  logger = MemorySink::MakeLogger(sink, LogFormat::kJson);
  Restart();
  CHECK(sink->Contains("These queries didn't finish in prometheus' last run:"));
  CHECK(sink->Contains(R"("queries":"[{\"query\":\"outer{a=\\\"<\\\\n\\\"}\",)"
                       R"(\"timestamp_sec\":1700000000}]")"));
  CHECK(File("/d/queries.active").empty());
}

TEST_CASE_METHOD(Fixture, "A file of running queries that is none of ours tells nothing") {
  for (const std::string text : {"[", "\n\n", "+\n-\n+x\n", "+1\n", "-1\n-1 2\n", "+1 a\n-1\n"}) {
    REQUIRE(memory.WriteFile("/d/queries.active", text).has_value());
    Restart();
    CHECK_FALSE(sink->Contains("didn't finish"));
  }
}

TEST_CASE_METHOD(Fixture,
                 "The file of running queries does not grow, be one of them long or none") {
  size_t largest = 0;
  const auto run_many = [&] {
    for (int i = 0; i < 2000; ++i) {
      REQUIRE(Run(LongQuery(2000)).has_value());
      largest = std::max(largest, File("/d/queries.active").size());
    }
  };
  run_many();
  REQUIRE(Run("long", [&] {
            run_many();
            CHECK(File("/d/queries.active").find("\"long\"") != std::string::npos);
          }).has_value());
  CHECK(largest > 32 << 10);
  CHECK(largest < 128 << 10);
}

TEST_CASE_METHOD(Fixture, "The file of running queries is whole again after a full disk") {
  REQUIRE(Run("long", [&] {
            files.Inject({.operation = FileOperation::kAppend,
                          .path_part = "queries.active",
                          .code = ErrorCode::kLimitExceeded,
                          .written_bytes = 3,
                          .stays = true});
            REQUIRE(Run("lost").has_value());
            CHECK(sink->Count(LogLevel::kError, "cannot be noted down") == 1);
            files.ClearFaults();
            REQUIRE(Run("short", [&] {
                      const std::string lines = File("/d/queries.active");
                      CHECK(lines.starts_with("+1 {\"query\":\"long\""));
                      CHECK(lines.find("\n+3 {\"query\":\"short\"") != lines.npos);
                    }).has_value());
          }).has_value());
  Restart();
  CHECK_FALSE(sink->Contains("didn't finish"));
}

TEST_CASE_METHOD(Fixture, "Where running queries cannot be noted down they run all the same") {
  files.Inject({.operation = FileOperation::kOpen, .path_part = "queries.active"});
  Restart();
  CHECK(sink->Count(LogLevel::kError, "cannot be noted down") == 1);
  CHECK(Run("up").has_value());
}

TEST_CASE("The API shows the queries that ran, and ends one that runs") {
  Web web;
  CHECK(web.Data("/api/v1/status/queries") == R"({"running":[],"slowest":[]})");
  web.clock.Set(FromMs(1'700'000'000'000));
  CHECK(web.Get("/api/v1/query?query=1%3E(&time=5").status == 400);
  CHECK(web.Get("/api/v1/query_range?query=up&start=1.5&end=61.5&step=500ms").status == 200);
  const std::string data = web.Data("/api/v1/status/queries");
  CHECK(data.starts_with(
      R"({"running":[],"slowest":[{"id":"2","query":"up","start":1.500,"end":61.500,"step":0.5,)"
      R"("client":"10.0.0.7","path":"/api/v1/query_range","startedAt":"2023-11-14T22:13:20Z",)"
      R"("seconds":0,"stats":{"timings":{)"));
  CHECK(web.Post("/api/v1/status/queries/2/cancel", "").body ==
        R"({"status":"error","errorType":"not_found","error":"no query 2 is running"})");
  CHECK(web.Post("/api/v1/status/queries/x/cancel", "").status == 400);
  CHECK(web.Get("/api/v1/status/queries/2/cancel").status == 405);

  const CallingStorage storage([&web] {
    CHECK(web.Data("/api/v1/status/queries").starts_with(R"({"running":[{"id":"3",)"));
    CHECK(web.Post("/api/v1/status/queries/3/cancel", "").status == 204);
    const std::string after = web.Data("/api/v1/status/queries");
    CHECK(after.find(R"("canceled":true})") != after.npos);
  });
  const auto result = web.queries.Run(Info("up"), storage, {});
  CHECK(result.error().code == ErrorCode::kCancelled);
}

}  // namespace
}  // namespace barograph::web
