#include "server/server.h"

#include <catch2/catch.hpp>
#include <string>

#include "base/file_system.h"
#include "server/http_fetch.h"
#include "tests/support/memory_sink.h"
#include "tests/support/temp_dir.h"

namespace barograph::server {
namespace {

using namespace std::chrono_literals;

/// A server on a free port, with a folder of its own.
struct Fixture {
  test::TempDir folder;
  std::unique_ptr<Server> server;

  ServerOptions Options() const {
    ServerOptions options;
    options.config_file = folder.path() + "/prometheus.yml";
    options.config_file_given = true;
    options.listen_addresses = {"127.0.0.1:0"};
    options.storage_path = folder.path() + "/data";
    options.discovery_reload_interval = 10ms;
    return options;
  }

  void WriteConfig(const std::string& yaml) const {
    REQUIRE(PosixFileSystem().WriteFile(folder.path() + "/prometheus.yml", yaml).has_value());
  }

  Status Start(const ServerOptions& options, const Logger& logger = {}) {
    server = std::make_unique<Server>(
        options, Features{}, ServerEnvironment{PosixFileSystem(), SystemClock(), logger, [] {}});
    TRY(server->CheckConfig());
    return server->Start();
  }

  std::string Get(const std::string& path) const {
    const auto page = HttpFetch(server->url() + path, 10s);
    if (!page) FAIL(page.error().message);
    return page->body;
  }
  bool Shows(const std::string& path, const std::string& text) const {
    return Get(path).find(text) != std::string::npos;
  }
};

TEST_CASE_METHOD(Fixture, "a good configuration is applied, a bad one changes nothing") {
  WriteConfig("scrape_configs:\n- job_name: first\n");
  REQUIRE(Start(Options()).has_value());
  CHECK(Shows("api/v1/status/config", "job_name: first"));
  CHECK(Shows("metrics", "prometheus_config_last_reload_successful 1"));

  WriteConfig("scrape_configs:\n- job_name: second\n");
  CHECK(server->Reload().has_value());
  CHECK(Shows("api/v1/status/config", "job_name: second"));

  WriteConfig("scrape_configs:\n- job_name: third\n  bad: 1\n");
  const Status refused = server->Reload();
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message.find("line 3, column 3: field bad not found") != std::string::npos);
  CHECK(Shows("api/v1/status/config", "job_name: second"));
  CHECK(Shows("metrics", "prometheus_config_last_reload_successful 0"));

  WriteConfig("scrape_configs:\n- job_name: fourth\n");
  server->ReloadIfChanged();
  CHECK(Shows("api/v1/status/config", "job_name: fourth"));
  CHECK(Shows("metrics", "prometheus_config_last_reload_successful 1"));
}

TEST_CASE_METHOD(Fixture,
                 "a configuration that does not load ends the start before a port is taken") {
  CHECK(Start(Options()).error().code == ErrorCode::kNotFound);
  WriteConfig("global: 3\n");
  CHECK(Start(Options()).error().code == ErrorCode::kInvalidArgument);
}

TEST_CASE_METHOD(Fixture, "a port and a data folder belong to one server") {
  WriteConfig("");
  REQUIRE(Start(Options()).has_value());
  const std::unique_ptr<Server> first = std::move(server);
  const std::string url = first->url();
  CHECK_FALSE(Start(Options()).has_value());  // the folder is locked
  ServerOptions same_port = Options();
  same_port.storage_path = folder.path() + "/other";
  same_port.listen_addresses = {url.substr(7, url.size() - 8)};
  CHECK(Start(same_port).error().code == ErrorCode::kIo);
}

TEST_CASE_METHOD(Fixture, "what was scraped is there after a restart") {
  ServerOptions options = Options();
  WriteConfig("");
  REQUIRE(Start(options).has_value());
  const std::string address = server->url().substr(7, server->url().size() - 8);
  WriteConfig(
      "global: {scrape_interval: 10ms}\nscrape_configs: [{job_name: self, static_configs: "
      "[{targets: ['" +
      address + "']}]}]\n");
  REQUIRE(server->Reload().has_value());
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!Shows("api/v1/query?query=count_over_time(up[1m])>3", "self")) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
  }
  const auto asked = std::chrono::steady_clock::now();
  server->Stop();
  CHECK(std::chrono::steady_clock::now() - asked < 2s);
  server.reset();
  WriteConfig("");
  const auto sink = std::make_shared<test::MemorySink>();
  REQUIRE(Start(options, test::MemorySink::MakeLogger(sink)).has_value());
  CHECK(Shows("api/v1/query?query=count_over_time(up[1m])>3", "self"));
  // The scrapes' tables were sealed: there is nothing to replay.
  CHECK(sink->Contains(" records=0 "));
}

TEST_CASE_METHOD(Fixture, "queries are logged to the file that the configuration names") {
  const auto log = [this](const std::string& name) {
    return PosixFileSystem().ReadFile(folder.path() + "/" + name).value_or("");
  };
  WriteConfig("global: {query_log_file: query.log}\n");
  REQUIRE(Start(Options()).has_value());
  Get("api/v1/query?query=1%2B1");
  CHECK(log("query.log").find(R"("query":"1+1")") != std::string::npos);
  CHECK(log("query.log").find(R"("clientIP":"127.0.0.1","method":"GET","path":"/api/v1/query"})") !=
        std::string::npos);
  CHECK(Shows("api/v1/status/config", "query_log_file: " + folder.path() + "/query.log"));

  WriteConfig("global: {query_log_file: nowhere/query.log}\n");
  CHECK_FALSE(server->Reload().has_value());
  Get("api/v1/query?query=2%2B2");
  CHECK(log("query.log").find(R"("query":"2+2")") != std::string::npos);

  WriteConfig("global: {query_log_file: other.log}\n");
  REQUIRE(server->Reload().has_value());
  Get("api/v1/query?query=3%2B3");
  CHECK(log("query.log").find(R"("query":"3+3")") == std::string::npos);
  CHECK(log("other.log").find(R"("query":"3+3")") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "queries that ran when the process was killed are logged") {
  WriteConfig("");
  REQUIRE(PosixFileSystem().CreateDirectories(Options().storage_path).has_value());
  REQUIRE(PosixFileSystem()
              .WriteFile(Options().storage_path + "/queries.active",
                         "+1 {\"query\":\"up\",\"timestamp_sec\":1700000000}\n")
              .has_value());
  const auto sink = std::make_shared<test::MemorySink>();
  REQUIRE(Start(Options(), test::MemorySink::MakeLogger(sink)).has_value());
  CHECK(sink->Contains("These queries didn't finish in prometheus' last run:"));
  CHECK(Shows("api/v1/status/queries", R"("running":[])"));
}

}  // namespace
}  // namespace barograph::server
