#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "net/compression.h"
#include "net/runtime.h"
#include "server/scrape/manager.h"
#include "tests/server/scrape_fake_storage.h"
#include "tests/server/scrape_fake_target.h"
#include "tests/support/memory_sink.h"

namespace barograph::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::FakeTarget;

ScrapeConfig Job(std::string name = "j") {
  ScrapeConfig config;
  config.job_name = std::move(name);
  config.scrape_interval = milliseconds(100);
  config.scrape_timeout = milliseconds(100);
  return config;
}

discovery::TargetGroup Group(std::vector<std::string> addresses) {
  discovery::TargetGroup group{.source = "test", .targets = {}, .labels = {}};
  for (const std::string& address : addresses) {
    group.targets.push_back({{"__address__", address}, {"instance", "i"}});
  }
  return group;
}

// Looks again and again, for at most ten seconds.
bool Eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(milliseconds(2));
  }
  return true;
}

struct Bench {
  explicit Bench(ScrapeOptions options = {}) {
    runtime.Start();
    manager = std::make_unique<ScrapeManager>(runtime, storage, registry, SystemClock(),
                                              test::MemorySink::MakeLogger(logs), options);
  }
  ~Bench() {
    CHECK(manager->Stop(seconds(5)));
    runtime.Stop(seconds(5));
  }

  void Start(const ScrapeConfig& config, const std::string& address) {
    REQUIRE(manager->ApplyConfig({config}, {}));
    manager->SyncTargets(config.job_name, {Group({address})});
  }

  // The first scrape's error, or "up".
  std::string FirstResult() {
    const auto health = [this] { return manager->Targets().active.at(0).health; };
    REQUIRE(Eventually([&] { return health() != web::TargetHealth::kUnknown; }));
    const web::ActiveTarget target = manager->Targets().active.at(0);
    return target.health == web::TargetHealth::kUp ? "up" : target.last_error;
  }

  std::string Samples(std::string_view name) const {
    return storage.Samples({{"__name__", name}, {"instance", "i"}, {"job", "j"}});
  }

  test::FakeStorage storage;
  MetricsRegistry registry;
  std::shared_ptr<test::MemorySink> logs = std::make_shared<test::MemorySink>();
  net::Runtime runtime{2};
  std::unique_ptr<ScrapeManager> manager;
};

FakeTarget::Handler Always(std::string bytes) {
  return [bytes](const std::string&) { return FakeTarget::Answer{.bytes = bytes}; };
}

TEST_CASE("a target is scraped again and again, over one connection") {
  std::string request;
  FakeTarget target([&](const std::string& got) {
    request = got;
    return FakeTarget::Answer{.bytes = FakeTarget::Page("# TYPE a gauge\na 1\n")};
  });
  Bench bench({.user_agent = "Barograph/1.2.3"});
  bench.Start(Job(), target.address());
  REQUIRE(Eventually([&] { return bench.storage.rows() >= 4; }));
  CHECK(request.starts_with("GET /metrics HTTP/1.1\r\n"));
  CHECK(request.find("User-Agent: Barograph/1.2.3\r\n") != request.npos);
  CHECK(request.find("Accept-Encoding: gzip\r\n") != request.npos);
  CHECK(request.find("Accept: application/openmetrics-text;version=1.0.0") != request.npos);
  CHECK(request.find("X-Prometheus-Scrape-Timeout-Seconds: 0.1\r\n") != request.npos);
  const auto metadata = bench.manager->Metadata();
  REQUIRE(metadata.size() == 1);
  CHECK(metadata[0].metric == "a");
  CHECK(metadata[0].type == "gauge");
  CHECK(bench.registry.Expose().find(
            "prometheus_target_metadata_cache_entries{scrape_job=\"j\"} 1") != std::string::npos);
  CHECK(bench.registry.Expose().find(
            "prometheus_target_interval_length_seconds_count{interval=\"100ms\"}") !=
        std::string::npos);
}

struct Hostile {
  std::string_view what;
  FakeTarget::Answer answer;
  std::string_view want;
};

TEST_CASE("a hostile page is a failed scrape with a reason") {
  const std::string cut_off =
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: "
      "100\r\n\r\na 1\n";
  for (const auto& [what, answer, want] : {
           Hostile{"not HTTP", {.bytes = "hello\r\n\r\n", .close = true}, "Get \"http://"},
           Hostile{"a status",
                   {.bytes = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"},
                   "server returned HTTP status 404 Not Found"},
           Hostile{"cut off", {.bytes = cut_off, .close = true}, "EOF"},
           Hostile{"a slow drip", {.bytes = cut_off, .pause = seconds(3)}, "deadline exceeded"},
           Hostile{
               "no content type", {.bytes = FakeTarget::Page("a 1\n", "")}, "blank Content-Type"},
           Hostile{"another content type",
                   {.bytes = FakeTarget::Page("a 1\n", "Content-Type: text/html\r\n")},
                   "unsupported Content-Type \"text/html\""},
           Hostile{"bad UTF-8",
                   {.bytes = FakeTarget::Page("a{b=\"\xff\"} 1\n")},
                   "invalid UTF-8 label value"},
           Hostile{"no value", {.bytes = FakeTarget::Page("a")}, "expected value after metric"},
           Hostile{"too large",
                   {.bytes = FakeTarget::Page(std::string(3'000'000, '#'))},
                   "body size limit exceeded"},
           Hostile{"a long line",
                   {.bytes = FakeTarget::Page(std::string(900'000, 'a'))},
                   "longer than the limit of 65536 bytes"},
           Hostile{"a gzip bomb",
                   {.bytes = FakeTarget::Page(
                        net::Compress(std::string(50'000'000, '#'), net::ContentEncoding::kGzip),
                        "Content-Type: text/plain\r\nContent-Encoding: gzip\r\n")},
                   "body size limit exceeded"},
           Hostile{"bad gzip",
                   {.bytes = FakeTarget::Page("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
                                              "Content-Type: text/plain\r\nContent-Encoding: "
                                              "gzip\r\n")},
                   "gzip"},
       }) {
    CAPTURE(what);
    FakeTarget target([&answer](const std::string&) { return answer; });
    Bench bench({.max_body_bytes = 1'000'000, .max_line_bytes = 65536});
    ScrapeConfig config = Job();
    config.scrape_interval = config.scrape_timeout = milliseconds(300);
    bench.Start(config, target.address());
    const std::string result = bench.FirstResult();
    CAPTURE(result);
    CHECK(result.find(want) != result.npos);
    CHECK(bench.Samples("up").ends_with("=0"));
    CHECK(bench.storage.Series().size() == 5);
  }
}

TEST_CASE("a page may lack its last newline, or have odd numbers") {
  FakeTarget target(Always(FakeTarget::Page("a NaN\nb -Inf\nc 1e5\nd 0.1")));
  Bench bench;
  bench.Start(Job(), target.address());
  CHECK(bench.FirstResult() == "up");
  CHECK(bench.Samples("a").find("=NaN") != std::string::npos);
  CHECK(bench.Samples("b").find("=-Inf") != std::string::npos);
  CHECK(bench.Samples("d").find("=0.1") != std::string::npos);
}

TEST_CASE("nobody listens") {
  std::string address;
  {
    address = FakeTarget(Always("")).address();
  }
  Bench bench;
  bench.Start(Job(), address);
  const std::string result = bench.FirstResult();
  CAPTURE(result);
  CHECK(result.starts_with("Get \"http://" + address + "/metrics\": "));
  CHECK(result.find("refused") != result.npos);
}

TEST_CASE("series of a removed target end, those of a stopped server do not") {
  FakeTarget target(Always(FakeTarget::Page("a 1\n")));
  {
    Bench bench;
    bench.Start(Job(), target.address());
    REQUIRE(Eventually([&] { return bench.storage.rows() >= 2; }));
    bench.manager->SyncTargets("j", {});
    CHECK(bench.manager->Targets().active.empty());
    REQUIRE(Eventually([&] { return bench.Samples("a").ends_with("=stale"); }));
    CHECK(bench.Samples("up").ends_with("=stale"));
  }
  Bench bench;
  bench.Start(Job(), target.address());
  REQUIRE(Eventually([&] { return bench.storage.rows() >= 2; }));
  CHECK(bench.manager->Stop(seconds(5)));
  CHECK(bench.Samples("a").find("stale") == std::string::npos);
}

TEST_CASE("a target whose new series are refused is up, and says why they are not there") {
  FakeTarget target(Always(FakeTarget::Page("a 1\nb 1\n")));
  Bench bench;
  ScrapeConfig job = Job();
  job.limits.series = 1;
  bench.Start(job, target.address());
  REQUIRE(Eventually([&] {
    const auto active = bench.manager->Targets().active;
    return active.size() == 1 && active[0].health == web::TargetHealth::kUp &&
           active[0].last_error == "1 new series refused: series_limit exceeded (limit: 1)";
  }));
  CHECK(bench.Samples("b") == "");
  const auto jobs = bench.manager->SeriesOfJobs();
  REQUIRE(jobs.size() == 1);
  CHECK(jobs[0].job == "j");
  CHECK(jobs[0].series == 1);
  CHECK(jobs[0].limit == 1);
  CHECK(jobs[0].refused > 0);
}

TEST_CASE("a reload keeps what has not changed") {
  FakeTarget target(Always(FakeTarget::Page("a 1\nb 1\n")));
  Bench bench;
  bench.Start(Job(), target.address());
  REQUIRE(bench.FirstResult() == "up");
  SECTION("nothing did") {
    REQUIRE(bench.manager->ApplyConfig({Job()}, {}));
    CHECK(bench.manager->Targets().active.at(0).health == web::TargetHealth::kUp);
  }
  SECTION("other limits hold for the next scrape") {
    ScrapeConfig changed = Job();
    changed.limits.samples = 1;
    REQUIRE(bench.manager->ApplyConfig({changed}, {}));
    REQUIRE(Eventually([&] {
      return bench.manager->Targets().active.at(0).last_error == "sample limit exceeded";
    }));
  }
  SECTION("another job leaves it alone, and can go") {
    REQUIRE(bench.manager->ApplyConfig({Job(), Job("k")}, {}));
    CHECK(bench.manager->Pools() == std::vector<std::string>{"j", "k"});
    CHECK(bench.manager->Targets().active.size() == 1);
    REQUIRE(bench.manager->ApplyConfig({Job("k")}, {}));
    CHECK(bench.manager->Targets().active.empty());
    REQUIRE(Eventually([&] { return bench.Samples("a").ends_with("=stale"); }));
  }
}

TEST_CASE("over the target limit no target is asked") {
  FakeTarget target(Always(FakeTarget::Page("a 1\n")));
  Bench bench;
  ScrapeConfig config = Job();
  config.limits.targets = 1;
  REQUIRE(bench.manager->ApplyConfig({config}, {}));
  bench.manager->SyncTargets("j", {Group({target.address(), "127.0.0.1:1"})});
  CHECK(bench.FirstResult() == "target_limit exceeded (number of targets: 2, limit: 1)");
  CHECK(target.requests() == 0);
}

TEST_CASE("dropped targets are listed up to their limit, and bad ones are logged") {
  Bench bench;
  ScrapeConfig config = Job();
  config.limits.keep_dropped_targets = 1;
  config.relabel_configs = {*RelabelRule::Make(
      {.source_labels = {"__address__"}, .regex = "drop.*", .action = RelabelAction::kDrop})};
  REQUIRE(bench.manager->ApplyConfig({config}, {}));
  bench.manager->SyncTargets("j", {Group({"drop1", "drop2", "a/b"})});
  const web::TargetsSnapshot snapshot = bench.manager->Targets();
  CHECK(snapshot.active.empty());
  REQUIRE(snapshot.dropped.size() == 1);
  CHECK(snapshot.dropped[0].discovered_labels.Get("__address__") == "drop1");
  CHECK(snapshot.dropped_counts.at("j") == 2);
  CHECK(bench.logs->Contains("is not a valid hostname"));
  bench.manager->SyncTargets("unknown", {Group({"a"})});
  CHECK(bench.manager->Targets().active.empty());
}

}  // namespace
}  // namespace barograph::server
