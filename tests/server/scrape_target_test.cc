#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "server/scrape/target.h"

namespace barograph::server {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

ScrapeConfig Job() {
  ScrapeConfig config;
  config.job_name = "node";
  config.scrape_interval = seconds(15);
  config.scrape_timeout = seconds(10);
  return config;
}

RelabelRule Rule(RelabelConfig config) {
  auto rule = RelabelRule::Make(std::move(config));
  REQUIRE(rule.has_value());
  return *rule;
}

Result<std::optional<Target>> Make(const Labels& own, const ScrapeConfig& config,
                                   const Labels& group = {}) {
  return MakeTarget(DiscoveredLabels(own, group, config), config);
}

std::string ErrorOf(const Labels& own, const ScrapeConfig& config) {
  const auto target = Make(own, config);
  return target ? "" : target.error().message;
}

TEST_CASE("a target gets the job's defaults and an instance") {
  const auto target = Make({{"__address__", "host:9100"}, {"a", "own"}}, Job(),
                           {{"a", "group"}, {"b", "group"}, {"__meta_x", "y"}});
  REQUIRE(target);
  REQUIRE(*target);
  CHECK((*target)->public_labels ==
        Labels{{"a", "own"}, {"b", "group"}, {"instance", "host:9100"}, {"job", "node"}});
  CHECK((*target)->url == "http://host:9100/metrics");
  CHECK((*target)->interval == seconds(15));
  CHECK((*target)->timeout == seconds(10));
  CHECK((*target)->labels.Get("__meta_x").empty());
  CHECK((*target)->labels.Get("__scheme__") == "http");
}

TEST_CASE("a target's own labels override how it is scraped") {
  ScrapeConfig config = Job();
  config.params = {{"module", {"a b", "c"}}, {"z", {"1"}}};
  const auto target = Make({{"__address__", "[::1]:80"},
                            {"__scheme__", "https"},
                            {"__metrics_path__", "/m x"},
                            {"__param_module", "d&e"},
                            {"__param_new", "n"},
                            {"__scrape_interval__", "1m"},
                            {"__scrape_timeout__", "30s"},
                            {"instance", "me"}},
                           config);
  REQUIRE(target);
  REQUIRE(*target);
  CHECK((*target)->url == "https://[::1]:80/m%20x?module=d%26e&module=c&new=n&z=1");
  CHECK((*target)->interval == minutes(1));
  CHECK((*target)->timeout == seconds(30));
  CHECK((*target)->public_labels.Get("instance") == "me");
}

TEST_CASE("relabelling can drop a target") {
  ScrapeConfig config = Job();
  config.relabel_configs = {
      Rule({.source_labels = {"__address__"}, .regex = "b.*", .action = RelabelAction::kDrop})};
  CHECK(*Make({{"__address__", "a:1"}}, config));
  const auto dropped = Make({{"__address__", "b:1"}}, config);
  REQUIRE(dropped);
  CHECK_FALSE(*dropped);
}

TEST_CASE("a target that cannot be scraped says why") {
  const ScrapeConfig job = Job();
  CHECK(ErrorOf({{"a", "b"}}, job) == "no address");
  CHECK(ErrorOf({{"__address__", "http://x"}}, job) == "\"http://x\" is not a valid hostname");
  CHECK(ErrorOf({{"__address__", "x"}, {"__scrape_interval__", "y"}}, job) ==
        "error parsing scrape interval: not a valid duration string: \"y\"");
  CHECK(ErrorOf({{"__address__", "x"}, {"__scrape_interval__", "0"}}, job) ==
        "scrape interval cannot be 0");
  CHECK(ErrorOf({{"__address__", "x"}, {"__scrape_timeout__", "1m"}}, job) ==
        "scrape timeout cannot be greater than scrape interval (\"1m\" > \"15s\")");
  CHECK(ErrorOf({{"__address__", "x"}, {"a", "\xff"}}, job) ==
        "invalid label value for \"a\": \"\\xff\"");
}

TEST_CASE("a target's phase is its own and does not depend on when it is asked for") {
  std::set<int64_t> phases;
  for (int i = 0; i < 50; ++i) {
    const auto target = Make({{"__address__", "host" + std::to_string(i)}}, Job());
    const auto phase = [&](std::chrono::nanoseconds now) {
      const auto wait = TimeToFirstScrape(**target, {.seed = 7}, now);
      CHECK(wait.count() >= 0);
      CHECK(wait <= seconds(15));
      return (now + wait) % std::chrono::nanoseconds(seconds(15));
    };
    const auto first = phase(seconds(1'000'000));
    CHECK(phase(std::chrono::milliseconds(1'234'567'891)) == first);
    phases.insert(first.count());
    CHECK(TimeToFirstScrape(**target, {.seed = 7}, seconds(3)) !=
          TimeToFirstScrape(**target, {.seed = 8}, seconds(3)));
  }
  CHECK(phases.size() == 50);
}

TEST_CASE("phases lie on a grid that gathers a few targets, and not too many") {
  using std::chrono::milliseconds;
  CHECK(PhaseGrid(seconds(15), 1) == milliseconds(100));
  CHECK(PhaseGrid(seconds(15), 2'400) == milliseconds(100));
  CHECK(PhaseGrid(seconds(15), 10'000) == milliseconds(20));
  CHECK(PhaseGrid(seconds(15), 1'000'000).count() == 1);
  CHECK(PhaseGrid(milliseconds(500), 1) == milliseconds(50));
  CHECK(PhaseGrid(milliseconds(1), 0).count() == 1);
  std::set<int64_t> phases;
  for (int i = 0; i < 50; ++i) {
    const auto target = Make({{"__address__", "host" + std::to_string(i)}}, Job());
    const auto wait = TimeToFirstScrape(**target, {7, milliseconds(100)}, seconds(15'000));
    CHECK(wait % milliseconds(100) == wait.zero());
    phases.insert(wait.count());
  }
  CHECK(phases.size() > 30);
}

TEST_CASE("loopback hosts are replaced in global URLs") {
  CHECK(GlobalUrl("http://localhost:9090/metrics", "box") == "http://box:9090/metrics");
  CHECK(GlobalUrl("https://127.0.0.1/metrics", "box") == "https://box/metrics");
  CHECK(GlobalUrl("http://[::1]:1/m", "box") == "http://box:1/m");
  CHECK(GlobalUrl("http://localhosts:1/m", "box") == "http://localhosts:1/m");
  CHECK(GlobalUrl("http://other:1/m", "box") == "http://other:1/m");
}

}  // namespace
}  // namespace barograph::server
