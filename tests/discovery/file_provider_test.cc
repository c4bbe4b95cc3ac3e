#include "discovery/file/file_provider.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "net/runtime.h"
#include "tests/support/temp_dir.h"

namespace barograph::discovery {
namespace {

using namespace std::chrono_literals;

void Write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

std::string Addresses(const std::vector<TargetGroup>& groups) {
  std::string out;
  for (const TargetGroup& group : groups) {
    out += std::filesystem::path(group.source).filename().string() + "=";
    for (const Labels& target : group.targets) out += std::string(target.Get("__address__")) + " ";
    out += ";";
  }
  return out;
}

struct Fixture {
  test::TempDir folder;
  MetricsRegistry metrics;
  FileProvider provider{{{folder.path() + "/*.json", folder.path() + "/one.yml"}, 1h}, {}, metrics};

  std::string path(const std::string& name) const { return folder.path() + "/" + name; }
  bool exposes(const std::string& line) const {
    return metrics.Expose().find(line) != std::string::npos;
  }
};

TEST_CASE_METHOD(Fixture, "all files that match are read") {
  Write(path("a.json"), R"([{"targets": ["a:1"]}, {"targets": ["a:2"]}])");
  Write(path("one.yml"), "- targets: [y:1]\n");
  Write(path("other.yml"), "- targets: [no:1]\n");
  CHECK(Addresses(provider.Refresh()) == "a.json:0=a:1 ;a.json:1=a:2 ;one.yml:0=y:1 ;");
  CHECK(exposes("prometheus_sd_file_mtime_seconds{filename=\"" + path("a.json") + "\"}"));
  CHECK(exposes("prometheus_sd_file_scan_duration_seconds_count 1"));
}

TEST_CASE_METHOD(Fixture, "a file that goes bad keeps its last good groups") {
  Write(path("a.json"), R"([{"targets": ["a:1"]}])");
  provider.Refresh();
  Write(path("a.json"), "[{");
  CHECK(Addresses(provider.Refresh()).empty());
  CHECK(exposes("prometheus_sd_file_read_errors_total 1"));
  Write(path("a.json"), R"([{"targets": ["a:2"]}])");
  CHECK(Addresses(provider.Refresh()) == "a.json:0=a:2 ;");
}

TEST_CASE_METHOD(Fixture, "vanished groups and files are sent without targets") {
  Write(path("a.json"), R"([{"targets": ["a:1"]}, {"targets": ["a:2"]}])");
  Write(path("b.json"), R"([{"targets": ["b:1"]}])");
  provider.Refresh();
  Write(path("a.json"), R"([{"targets": ["a:1"]}])");
  std::filesystem::remove(path("b.json"));
  CHECK(Addresses(provider.Refresh()) == "a.json:0=a:1 ;a.json:1=;b.json:0=;");
  CHECK_FALSE(exposes("filename=\"" + path("b.json") + "\""));
  CHECK(Addresses(provider.Refresh()) == "a.json:0=a:1 ;");
}

TEST_CASE_METHOD(Fixture, "a change is seen at once, also when a directory's link is swapped") {
  // As Kubernetes mounts a ConfigMap: files are links into a folder that is itself a link.
  std::filesystem::create_directory(path("v1"));
  std::filesystem::create_directory(path("v2"));
  Write(path("v1/t.json"), R"([{"targets": ["old:1"]}])");
  Write(path("v2/t.json"), R"([{"targets": ["new:1"]}])");
  std::filesystem::create_symlink("v1", path("..data"));
  std::filesystem::create_symlink("..data/t.json", path("t.json"));

  boost::asio::io_context context;
  net::TaskScope scope(context);
  boost::asio::steady_timer give_up(context, 10s);
  std::vector<std::string> seen;
  auto stop = [&] {
    boost::asio::co_spawn(
        context,
        [&]() -> boost::asio::awaitable<void> {
          co_await scope.Stop();
          give_up.cancel();
        },
        boost::asio::detached);
  };
  give_up.async_wait([&](boost::system::error_code error) {
    if (!error) stop();
  });
  boost::asio::post(context, [&] {
    scope.Spawn(provider.Run([&](std::vector<TargetGroup> groups) {
      seen.push_back(Addresses(groups));
      if (seen.size() == 1) {
        std::filesystem::create_symlink("v2", path("..tmp"));
        std::filesystem::rename(path("..tmp"), path("..data"));
      }
      if (seen.back() == "t.json:0=new:1 ;") stop();
    }));
  });
  context.run();
  REQUIRE_FALSE(seen.empty());
  CHECK(seen.front() == "t.json:0=old:1 ;");
  CHECK(seen.back() == "t.json:0=new:1 ;");
}

}  // namespace
}  // namespace barograph::discovery
