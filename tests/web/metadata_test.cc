#include <catch2/catch.hpp>

#include "tests/web/fakes.h"

namespace barograph::web {
namespace {

using test::Web;

void AddSeries(Web& web) {
  web.storage.Add(Labels{{"__name__", "up"}, {"job", "a"}, {"a.b/c", "x<y"}}, {{1'000, 1}});
  web.storage.Add(Labels{{"__name__", "up"}, {"job", "b"}}, {{60'000, 1}});
  web.storage.Add(Labels{{"__name__", "down"}, {"job", "b"}}, {{60'000, 1}});
}

TEST_CASE("Label names, of everything, of a selection, of a time") {
  Web web;
  AddSeries(web);
  CHECK(web.Ask("/api/v1/labels") == R"({"status":"success","data":["__name__","a.b/c","job"]})");
  CHECK(web.Data("/api/v1/labels?match[]=down") == R"(["__name__","job"])");
  CHECK(web.Data("/api/v1/labels?start=30") == R"(["__name__","job"])");
  CHECK(web.Data("/api/v1/labels?match[]=nothing") == "[]");
  CHECK(web.Post("/api/v1/labels", "match[]=down&match[]=up%7Bjob=%22a%22%7D").body ==
        R"({"status":"success","data":["__name__","a.b/c","job"]})");
  CHECK(
      web.Ask("/api/v1/labels?limit=1") ==
      R"({"status":"success","data":["__name__"],"warnings":["results truncated due to limit"]})");
  CHECK(web.Data("/api/v1/labels?limit=3") == R"(["__name__","a.b/c","job"])");
}

TEST_CASE("Label values, also of names that a path cannot have") {
  Web web;
  AddSeries(web);
  CHECK(web.Data("/api/v1/label/job/values") == R"(["a","b"])");
  CHECK(web.Data("/api/v1/label/U__a_2e_b_2f_c/values") == R"(["x\u003cy"])");
  CHECK(web.Data("/api/v1/label/__name__/values?match[]=%7Bjob=%22b%22%7D") == R"(["down","up"])");
  CHECK(web.Data("/api/v1/label/nothing/values") == "[]");
  CHECK(web.Ask("/api/v1/label/%ff/values") ==
        R"(400 {"status":"error","errorType":"bad_data","error":"invalid label name: \"\\xff\""})");
}

TEST_CASE("Series are the union of the selections") {
  Web web;
  AddSeries(web);
  CHECK(web.Data("/api/v1/series?match[]=up&match[]=%7Bjob=%22b%22%7D") ==
        R"([{"__name__":"down","job":"b"},{"__name__":"up","a.b/c":"x<y","job":"a"},)"
        R"({"__name__":"up","job":"b"}])");
  CHECK(web.Data("/api/v1/series?match[]=up&end=30") ==
        R"([{"__name__":"up","a.b/c":"x<y","job":"a"}])");
  CHECK(web.Ask("/api/v1/series?match[]=up&limit=1") ==
        R"({"status":"success","data":[{"__name__":"up","a.b/c":"x<y","job":"a"}],)"
        R"("warnings":["results truncated due to limit"]})");
}

TEST_CASE("Selectors that are wrong or say nothing are refused") {
  Web web;
  const std::string bad = R"(400 {"status":"error","errorType":"bad_data","error":")";
  CHECK(web.Ask("/api/v1/series") == bad + R"(no match[] parameter provided"})");
  CHECK(web.Ask("/api/v1/series?match[]=%7B%7D") ==
        bad + R"(invalid parameter \"match[]\": match[] must contain at least one non-empty )"
              R"(matcher"})");
  CHECK(web.Ask("/api/v1/labels?match[]=%7Ba=~%22.*%22%7D") ==
        bad + R"(match[] must contain at least one non-empty matcher"})");
  CHECK(web.Ask("/api/v1/series?match[]=up%7B")
            .starts_with(bad + R"(invalid parameter \"match[]\": 1:4: parse error: )"));
}

TEST_CASE("A storage that fails is an execution error") {
  Web web;
  web.storage.failure = Error{ErrorCode::kIo, "disk"};
  CHECK(web.Ask("/api/v1/labels") ==
        R"(422 {"status":"error","errorType":"execution","error":"disk"})");
}

void AddTargets(Web& web) {
  web.state.targets.active = {{.discovered_labels = Labels{{"__address__", "h:1"}},
                               .labels = Labels{{"instance", "h:1"}, {"job", "z"}},
                               .scrape_pool = "z",
                               .scrape_url = "http://h:1/metrics?a=1&b=2",
                               .global_url = "http://h:1/metrics?a=1&b=2",
                               .last_error = "connection refused",
                               .last_scrape = FromMs(1'700'000'000'120),
                               .last_scrape_seconds = 0.0125,
                               .health = TargetHealth::kDown,
                               .scrape_interval = std::chrono::seconds(15),
                               .scrape_timeout = std::chrono::milliseconds(1500)},
                              {.discovered_labels = {},
                               .labels = Labels{{"job", "a"}},
                               .scrape_pool = "a",
                               .scrape_url = "u",
                               .global_url = "g",
                               .last_error = "",
                               .last_scrape = Timestamp(),
                               .health = TargetHealth::kUnknown,
                               .scrape_interval = std::chrono::minutes(1),
                               .scrape_timeout = std::chrono::seconds(10)}};
  web.state.targets.dropped = {{Labels{{"__address__", "d"}}, "z"}};
  web.state.targets.dropped_counts = {{"a", 0}, {"z", 1}};
}

constexpr std::string_view kTargetA =
    R"({"discoveredLabels":{},"labels":{"job":"a"},"scrapePool":"a","scrapeUrl":"u",)"
    R"("globalUrl":"g","lastError":"","lastScrape":"0001-01-01T00:00:00Z",)"
    R"("lastScrapeDuration":0,"health":"unknown","scrapeInterval":"1m","scrapeTimeout":"10s"})";
constexpr std::string_view kTargetZ =
    R"({"discoveredLabels":{"__address__":"h:1"},"labels":{"instance":"h:1","job":"z"},)"
    R"("scrapePool":"z","scrapeUrl":"http://h:1/metrics?a=1\u0026b=2",)"
    R"("globalUrl":"http://h:1/metrics?a=1\u0026b=2","lastError":"connection refused",)"
    R"("lastScrape":"2023-11-14T22:13:20.12Z","lastScrapeDuration":0.0125,"health":"down",)"
    R"("scrapeInterval":"15s","scrapeTimeout":"1s500ms"})";

TEST_CASE("Targets by pool, by state") {
  Web web;
  AddTargets(web);
  const std::string dropped =
      R"("droppedTargets":[{"discoveredLabels":{"__address__":"d"},"scrapePool":"z"}],)"
      R"("droppedTargetCounts":{"a":0,"z":1}})";
  const std::string a(kTargetA);
  const std::string z(kTargetZ);
  CHECK(web.Data("/api/v1/targets") == R"({"activeTargets":[)" + a + "," + z + "]," + dropped);
  CHECK(web.Data("/api/v1/targets?state=Dropped") == R"({"activeTargets":[],)" + dropped);
  CHECK(web.Data("/api/v1/targets?state=active&scrapePool=z") ==
        R"({"activeTargets":[)" + z + R"(],"droppedTargets":[],"droppedTargetCounts":null})");
  CHECK(web.Data("/api/v1/scrape_pools") == R"({"scrapePools":["a","z"]})");
}

void AddMetadata(Web& web) {
  const Labels a{{"job", "a"}};
  const Labels b{{"job", "b"}};
  web.state.metadata = {{"m1", "counter", "One.", "", a},
                        {"m1", "counter", "One.", "", b},
                        {"m1", "gauge", "Uno.", "s", b},
                        {"m2", "gauge", "Two.", "", a}};
}

TEST_CASE("Metadata by metric, each kind once") {
  Web web;
  AddMetadata(web);
  CHECK(web.Data("/api/v1/metadata") == R"({"m1":[{"type":"counter","help":"One.","unit":""},)"
                                        R"({"type":"gauge","help":"Uno.","unit":"s"}],)"
                                        R"("m2":[{"type":"gauge","help":"Two.","unit":""}]})");
  CHECK(web.Data("/api/v1/metadata?limit=1&limit_per_metric=1") ==
        R"({"m1":[{"type":"counter","help":"One.","unit":""}]})");
  CHECK(web.Data("/api/v1/metadata?metric=m2") ==
        R"({"m2":[{"type":"gauge","help":"Two.","unit":""}]})");
  CHECK(web.Data("/api/v1/metadata?limit=0") == "{}");
  CHECK(
      web.Ask("/api/v1/metadata?limit_per_metric=x") ==
      R"(400 {"status":"error","errorType":"bad_data","error":"limit_per_metric must be a number"})");
}

TEST_CASE("Metadata by target") {
  Web web;
  AddMetadata(web);
  CHECK(web.Data("/api/v1/targets/metadata?match_target=%7Bjob=%22a%22%7D") ==
        R"([{"target":{"job":"a"},"metric":"m1","type":"counter","help":"One.","unit":""},)"
        R"({"target":{"job":"a"},"metric":"m2","type":"gauge","help":"Two.","unit":""}])");
  CHECK(web.Data("/api/v1/targets/metadata?metric=m1&limit=2") ==
        R"([{"target":{"job":"a"},"type":"counter","help":"One.","unit":""},)"
        R"({"target":{"job":"b"},"type":"counter","help":"One.","unit":""}])");
  CHECK(web.Ask("/api/v1/targets/metadata?match_target=%7B")
            .find(R"(invalid parameter \"match_target\": )") != std::string::npos);
}

TEST_CASE("What the server says of itself") {
  Web web;
  web.clock.Set(FromMs(1'700'000'000'500));
  web.state.runtime = {.start_time = FromMs(1'700'000'000'000),
                       .working_directory = "/w",
                       .hostname = "h",
                       .reload_config_success = false,
                       .last_config_time = FromMs(1'600'000'000'000),
                       .corruption_count = 3,
                       .threads = 9,
                       .storage_retention = "15d"};
  CHECK(web.Data("/api/v1/status/config") ==
        R"({"yaml":"global:\n  scrape_interval: \u003c1m\u003e\n"})");
  CHECK(web.Data("/api/v1/status/flags") == R"({"log.level":"info"})");
  const std::string info = web.Data("/api/v1/status/runtimeinfo");
  CHECK(info.starts_with(
      R"({"startTime":"2023-11-14T22:13:20Z","CWD":"/w","hostname":"h",)"
      R"("serverTime":"2023-11-14T22:13:20.5Z","reloadConfigSuccess":false,)"
      R"("lastConfigTime":"2020-09-13T12:26:40Z","corruptionCount":3,"goroutineCount":9,)"));
  CHECK(info.ends_with(R"("GOGC":"","GODEBUG":"","storageRetention":"15d"})"));
}

TEST_CASE("What the storage holds, and how near its limits are") {
  Web web;
  web.storage.statistics = {.series = 5,
                            .label_pairs = 4,
                            .chunks = 6,
                            .range = {FromMs(1000), FromMs(2000)},
                            .series_by_metric = {{"a", 3}, {"b", 2}},
                            .values_by_label = {{"__name__", 2}},
                            .value_bytes_by_label = {{"__name__", 5}},
                            .series_by_pair = {{"__name__=a", 3}}};
  web.state.limits = {.memory_limit_bytes = 100,
                      .memory_used_bytes = 30,
                      .jobs = {{.job = "j", .series = 5, .limit = 7, .refused = 1}}};
  CHECK(web.Data("/api/v1/status/tsdb") ==
        R"({"headStats":{"numSeries":5,"numLabelPairs":4,"chunkCount":6,"minTime":1000,)"
        R"("maxTime":2000},"seriesCountByMetricName":[{"name":"a","value":3},)"
        R"({"name":"b","value":2}],"labelValueCountByLabelName":[{"name":"__name__","value":2}],)"
        R"("memoryInBytesByLabelName":[{"name":"__name__","value":5}],)"
        R"("seriesCountByLabelValuePair":[{"name":"__name__=a","value":3}],)"
        R"("limits":{"memoryLimitBytes":100,"memoryUsedBytes":30,"jobs":[{"job":"j","series":5,)"
        R"("seriesLimit":7,"seriesRefused":1}]}})");
  CHECK(web.storage.statistics_limit == 10);
  CHECK(web.Ask("/api/v1/status/tsdb?limit=10000").starts_with(R"({"status":"success")"));
  CHECK(web.storage.statistics_limit == 10'000);
  for (const char* limit : {"0", "-1", "x", "1.5"}) {
    CHECK(web.Ask(std::string("/api/v1/status/tsdb?limit=") + limit)
              .find("limit must be a positive number") != std::string::npos);
  }
  CHECK(web.Data("/api/v1/status/tsdb/blocks") == R"({"blocks":[]})");
  web.storage.blocks = {{.ulid = "01ARZ3NDEKTSV4RRFFQ69G5FAV",
                         .range = {FromMs(1000), FromMs(7199)},
                         .level = 2,
                         .sources = {"A", "B"},
                         .series = 3,
                         .float_samples = 40,
                         .histogram_samples = 2,
                         .bytes = 500}};
  CHECK(web.Data("/api/v1/status/tsdb/blocks") ==
        R"({"blocks":[{"ulid":"01ARZ3NDEKTSV4RRFFQ69G5FAV","minTime":1000,"maxTime":7200,)"
        R"("stats":{"numSamples":42,"numFloatSamples":40,"numHistogramSamples":2,"numSeries":3,)"
        R"("numBytes":500},"compaction":{"level":2,"sources":["A","B"]},"version":1}]})");
  CHECK(web.Ask("/api/v1/status/tsdb?limit=10001").find("limit must not exceed 10000") !=
        std::string::npos);
}

}  // namespace
}  // namespace barograph::web
