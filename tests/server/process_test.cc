#include <signal.h>

#include <catch2/catch.hpp>
#include <thread>

#include "server/config_source.h"
#include "server/features.h"
#include "server/listen_url.h"
#include "server/providers.h"
#include "server/signals.h"
#include "tests/support/memory_sink.h"
#include "tests/support/temp_dir.h"

namespace barograph::server {
namespace {

using namespace std::chrono_literals;

TEST_CASE("the route prefix is the flag's, or the path of the external URL") {
  ServerOptions options;
  CHECK(RoutePrefix(options).empty());
  options.external_url = "http://example.org/";
  CHECK(RoutePrefix(options).empty());
  options.external_url = "http://example.org/a/b/";
  CHECK(RoutePrefix(options) == "/a/b");
  options.route_prefix = "x/";
  CHECK(RoutePrefix(options) == "/x");
}

TEST_CASE("a server that listens everywhere is found on localhost") {
  const ServerOptions options;
  CHECK(BrowserUrl(options, "0.0.0.0:9090") == "http://localhost:9090/");
  CHECK(BrowserUrl(options, "[::]:1") == "http://localhost:1/");
  CHECK(BrowserUrl(options, "10.0.0.1:1") == "http://10.0.0.1:1/");
  CHECK(SelfTargetOf(options, "0.0.0.0:80").address == "localhost:80");
  CHECK(SelfTargetOf(options, "0.0.0.0:80").metrics_path == "/metrics");
}

TEST_CASE("the built-in configuration watches the server itself and a node exporter") {
  const auto config =
      LoadConfig(PosixFileSystem(),
                 BuiltInConfig({"localhost:1234", "/p/metrics"}, "localhost:9100"), "built-in");
  REQUIRE(config.has_value());
  REQUIRE(config->scrape_configs.size() == 2);
  CHECK(config->global.scrape_interval == 5s);
  CHECK(config->scrape_configs[0].job_name == "barograph");
  CHECK(config->scrape_configs[0].metrics_path == "/p/metrics");
  CHECK(config->scrape_configs[0].static_configs.at(0).targets.at(0).Get("__address__") ==
        "localhost:1234");
  CHECK(config->scrape_configs[1].job_name == "node");
  CHECK(LoadConfig(PosixFileSystem(), BuiltInConfig({"localhost:1", "/metrics"}, ""), "built-in")
            ->scrape_configs.size() == 1);
}

TEST_CASE("a file that was asked for must be there, the default one need not") {
  const test::TempDir folder;
  ServerOptions options;
  options.config_file = folder.path() + "/prometheus.yml";
  CHECK(ConfigSource(options, PosixFileSystem(), {}).built_in());
  options.config_file_given = true;
  const ConfigSource given(options, PosixFileSystem(), {});
  CHECK_FALSE(given.built_in());
  CHECK_FALSE(given.Load({}).has_value());
  const std::string before = given.Fingerprint({});
  REQUIRE(PosixFileSystem().WriteFile(options.config_file, "scrape_configs: []\n").has_value());
  CHECK(given.Load({}).has_value());
  CHECK(given.Fingerprint({}) != before);
}

TEST_CASE("providers are told apart by what they are configured to find") {
  const auto load = [](const std::string& jobs) {
    return LoadConfig(PosixFileSystem(), "scrape_configs:\n" + jobs, "p.yml")->scrape_configs;
  };
  MetricsRegistry metrics;
  const auto fingerprints = [&](const std::string& job) {
    std::vector<std::string> out;
    const auto providers = ProvidersOf(load("- job_name: a\n" + job), {}, metrics);
    for (const auto& spec : providers.at("a")) {
      out.push_back(spec.fingerprint);
    }
    return out;
  };
  const auto base = fingerprints("  static_configs: [{targets: [x]}]\n");
  CHECK(base == fingerprints("  scrape_interval: 5s\n  static_configs: [{targets: [x]}]\n"));
  CHECK(base != fingerprints("  static_configs: [{targets: [y]}]\n"));
  CHECK(base != fingerprints("  static_configs: [{targets: [x], labels: {a: b}}]\n"));
  CHECK(fingerprints("").empty());
  CHECK(fingerprints("  file_sd_configs: [{files: [a.json]}, {files: [b.json]}]\n").size() == 2);
}

TEST_CASE("features that change results are found in lists") {
  const Features features =
      ParseFeatures({"native-histograms,promql-delayed-name-removal", "",
                     ",nothing,,extra-scrape-metrics", "st-storage,use-start-timestamps"},
                    Logger());
  CHECK(features.delayed_name_removal);
  CHECK(features.extra_scrape_metrics);
  CHECK(features.st_storage);
  CHECK(features.use_start_timestamps);
  CHECK_FALSE(features.zeros_at_starts);
  CHECK_FALSE(features.auto_reload);
}

TEST_CASE("a feature that changes nothing here is told of") {
  const auto sink = std::make_shared<barograph::test::MemorySink>();
  ParseFeatures({"native-histograms,exemplar-storage,metadata-wal-records,search-api,nonsense"},
                barograph::test::MemorySink::MakeLogger(sink));
  CHECK(sink->lines().size() == 3);
  CHECK(sink->Contains("no effect: metadata is told anew after a start"));
  CHECK(sink->Contains("not supported yet"));
  CHECK(sink->Contains("Unknown option"));
}

TEST_CASE("signals and requests to stop come out as events") {
  Signals signals;
  CHECK_FALSE(signals.Wait(1ms).has_value());
  raise(SIGHUP);
  CHECK(signals.Wait(5s) == Signals::Event::kReload);
  raise(SIGTERM);
  CHECK(signals.Wait(5s) == Signals::Event::kStop);
  std::thread([&] { signals.RequestStop(); }).join();
  CHECK(signals.Wait(5s) == Signals::Event::kStop);
}

}  // namespace
}  // namespace barograph::server
