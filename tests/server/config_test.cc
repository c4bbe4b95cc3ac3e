#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "server/config/external_labels.h"
#include "server/config/loader.h"
#include "server/storage_options.h"
#include "tests/support/temp_dir.h"

namespace barograph::server {
namespace {

Config Load(const std::string& yaml, const LoadOptions& options = {}) {
  auto config = LoadConfig(PosixFileSystem(), yaml, "etc/prometheus.yml", options);
  if (!config) FAIL(config.error().message);
  return *std::move(config);
}

ScrapeConfig LoadJob(const std::string& fields) {
  return Load("scrape_configs:\n- job_name: a\n" + fields).scrape_configs.at(0);
}

TEST_CASE("an empty configuration has Prometheus's defaults") {
  for (const std::string yaml : {"", "global:\n", "# nothing\n", "scrape_configs: []\n"}) {
    const Config config = Load(yaml);
    CHECK(config.global.scrape_interval == std::chrono::minutes(1));
    CHECK(config.global.scrape_timeout == std::chrono::seconds(10));
    CHECK(config.global.evaluation_interval == std::chrono::minutes(1));
    CHECK(config.scrape_configs.empty());
  }
}

TEST_CASE("how many exemplars are kept has a default where they are enabled") {
  LoadOptions options;
  CHECK_FALSE(Load("").storage.max_exemplars);
  options.exemplar_storage = true;
  CHECK(Load("", options).storage.max_exemplars == 100'000);
  CHECK(Load("storage: {exemplars: {}}", options).storage.max_exemplars == 0);
  const Config config = Load("storage: {exemplars: {max_exemplars: -1}}", options);
  CHECK(config.storage.max_exemplars == -1);
  CHECK(config.yaml.find("storage:\n  exemplars:\n    max_exemplars: -1\n") != std::string::npos);
}

TEST_CASE("the storage may take a share of the disk") {
  const Config config = Load("storage: {tsdb: {retention: {percentage: 12.5}}}");
  CHECK(config.storage.retention_percentage == 12.5);
  CHECK(config.yaml.find("    retention:\n      percentage: 12.5\n") != std::string::npos);
  const tsdb::Retention flags{.time = Duration(1), .bytes = 2};
  const tsdb::Retention kept = RetentionOf(config.storage, flags);
  CHECK(kept.disk_percentage == 12.5);
  CHECK(kept.time == Duration(0));
  CHECK(kept.bytes == 0);
  const Config none = Load("storage: {tsdb: {retention: {percentage: 0}}}");
  CHECK(none.yaml.find("retention") == std::string::npos);
  CHECK(RetentionOf(none.storage, flags).bytes == 2);
}

TEST_CASE("a job inherits what it does not set") {
  const Config config = Load(R"(
global:
  scrape_interval: 5s
  sample_limit: 10
  body_size_limit: 1KB
  scrape_protocols: [PrometheusText0.0.4]
  extra_scrape_metrics: true
scrape_configs:
- job_name: inherits
- job_name: sets
  scrape_interval: 1m
  scrape_timeout: 20s
  sample_limit: 20
  scrape_protocols: [OpenMetricsText1.0.0]
  extra_scrape_metrics: false
)");
  const ScrapeConfig& inherits = config.scrape_configs.at(0);
  CHECK(inherits.scrape_interval == std::chrono::seconds(5));
  CHECK(inherits.scrape_timeout == std::chrono::seconds(5));
  CHECK(inherits.limits.samples == 10);
  CHECK(inherits.limits.body_bytes == 1024);
  CHECK(inherits.scrape_protocols == std::vector{ScrapeProtocol::kPrometheusText0_0_4});
  CHECK(inherits.extra_scrape_metrics);
  const ScrapeConfig& sets = config.scrape_configs.at(1);
  CHECK(sets.scrape_interval == std::chrono::minutes(1));
  CHECK(sets.scrape_timeout == std::chrono::seconds(20));
  CHECK(sets.limits.samples == 20);
  CHECK(sets.limits.body_bytes == 1024);
  CHECK(sets.scrape_protocols == std::vector{ScrapeProtocol::kOpenMetricsText1_0_0});
  CHECK_FALSE(sets.extra_scrape_metrics);
}

TEST_CASE("a job's fields are read") {
  const ScrapeConfig job = LoadJob(R"(
  honor_labels: true
  honor_timestamps: no
  track_timestamps_staleness: yes
  metrics_path: /federate
  scheme: https
  params:
    'match[]': ['{job="x"}', up]
  enable_compression: false
  follow_redirects: false
  enable_http2: false
  fallback_scrape_protocol: PrometheusText0.0.4
  label_limit: 3
  keep_dropped_targets: 7
  series_limit: 9
)");
  CHECK(job.honor_labels);
  CHECK_FALSE(job.honor_timestamps);
  CHECK(job.track_timestamps_staleness);
  CHECK(job.metrics_path == "/federate");
  CHECK(job.scheme == "https");
  CHECK(job.params.at("match[]") == std::vector<std::string>{"{job=\"x\"}", "up"});
  CHECK_FALSE(job.enable_compression);
  CHECK_FALSE(job.follow_redirects);
  CHECK(job.fallback_scrape_protocol == ScrapeProtocol::kPrometheusText0_0_4);
  CHECK(job.limits.labels == 3);
  CHECK(job.limits.keep_dropped_targets == 7);
  CHECK(job.limits.series == 9);
}

TEST_CASE("static targets and files to discover are read") {
  const ScrapeConfig job = LoadJob(R"(
  static_configs:
  - targets: ['a:1', 'b:2']
    labels: {zone: z}
  - targets: []
  file_sd_configs:
  - files: [targets/*.json, /abs/t.yml]
    refresh_interval: 30s
)");
  REQUIRE(job.static_configs.size() == 2);
  CHECK(job.static_configs[0].targets.at(1) == Labels({{"__address__", "b:2"}}));
  CHECK(job.static_configs[0].labels == Labels({{"zone", "z"}}));
  REQUIRE(job.file_sd_configs.size() == 1);
  CHECK(job.file_sd_configs[0].files ==
        std::vector<std::string>{"etc/targets/*.json", "/abs/t.yml"});
  CHECK(job.file_sd_configs[0].refresh_interval == std::chrono::seconds(30));
}

TEST_CASE("relabelling rules are read, and a URL as target is left to them") {
  const ScrapeConfig job = LoadJob(R"(
  static_configs:
  - targets: ['http://example.org/x']
  relabel_configs:
  - source_labels: [__address__]
    regex: 'http://([^/]+)/.*'
    target_label: __address__
  metric_relabel_configs:
  - action: labeldrop
    regex: tmp_.*
)");
  REQUIRE(job.relabel_configs.size() == 1);
  LabelsBuilder labels(job.static_configs.at(0).targets.at(0));
  CHECK(Relabel(job.relabel_configs, labels));
  CHECK(labels.Get("__address__") == "example.org");
  CHECK(job.metric_relabel_configs.at(0).config().action == RelabelAction::kLabelDrop);
}

TEST_CASE("legacy names imply escaping by underscores") {
  const Config config = Load(
      "global: {metric_name_validation_scheme: legacy}\nscrape_configs:\n- job_name: a\n- "
      "job_name: b\n  metric_name_validation_scheme: utf8\n");
  CHECK(config.scrape_configs[0].name_validation == NameValidation::kLegacy);
  CHECK(config.scrape_configs[0].name_escaping == NameEscaping::kUnderscores);
  CHECK(config.scrape_configs[1].name_validation == NameValidation::kUtf8);
  CHECK(config.scrape_configs[1].name_escaping == NameEscaping::kAllowUtf8);
}

TEST_CASE("anchors, aliases and merge keys work as in other YAML") {
  const Config config = Load(R"(
scrape_configs:
- &base
  job_name: a
  scrape_interval: 7s
  static_configs: &targets
  - targets: [x:1]
- <<: *base
  job_name: b
  metrics_path: /other
)");
  const ScrapeConfig& b = config.scrape_configs.at(1);
  CHECK(b.job_name == "b");
  CHECK(b.scrape_interval == std::chrono::seconds(7));
  CHECK(b.metrics_path == "/other");
  CHECK(b.static_configs.size() == 1);
}

TEST_CASE("variables in external labels are replaced from the environment") {
  const std::map<std::string, std::string> values = {{"TEST", "value"}, {"1", "one"}};
  const Environment environment = [&](const std::string& name) {
    const auto found = values.find(name);
    return found == values.end() ? "" : found->second;
  };
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"plain", "plain"}, {"$TEST", "value"}, {"x${TEST}y", "xvaluey"}, {"$$TEST", "$TEST"},
      {"a$", "a$"},       {"$1x", "onex"},    {"${1}x", "onex"},        {"$ x", "$ x"},
      {"${TEST", "TEST"}, {"${}x", "x"},      {"$MISSING-", "-"},       {"$TEST.b", "value.b"},
  };
  for (const auto& [text, expanded] : cases) {
    CAPTURE(text);
    CHECK(ExpandVariables(text, environment) == expanded);
  }
  const Config config = Load("global: {external_labels: {a: '${TEST}', b: '$NONE', c: $$x}}\n",
                             {.environment = environment});
  CHECK(config.global.external_labels == Labels({{"a", "value"}, {"c", "$x"}}));
}

TEST_CASE("jobs in included files inherit, and see paths from their own folder") {
  const test::TempDir folder;
  const std::string path = folder.path() + "/prometheus.yml";
  std::filesystem::create_directory(folder.path() + "/jobs");
  std::ofstream(folder.path() + "/jobs/a.yml")
      << "scrape_configs:\n- job_name: a\n  file_sd_configs: [{files: [t.json]}]\n";
  const std::string yaml =
      "global: {scrape_interval: 7s}\nscrape_config_files: [jobs/*.yml]\nscrape_configs: "
      "[{job_name: main}]\n";
  const auto config = LoadConfig(PosixFileSystem(), yaml, path);
  REQUIRE(config.has_value());
  REQUIRE(config->scrape_configs.size() == 2);
  const ScrapeConfig& included = config->scrape_configs[1];
  CHECK(included.scrape_interval == std::chrono::seconds(7));
  CHECK(included.file_sd_configs.at(0).files.at(0) == folder.path() + "/jobs/t.json");
  CHECK(config->yaml.find("job_name: a") == std::string::npos);

  std::ofstream(folder.path() + "/jobs/b.yml") << "scrape_configs:\n- job_name: main\n";
  const auto twice = LoadConfig(PosixFileSystem(), yaml, path);
  REQUIRE_FALSE(twice.has_value());
  CHECK(twice.error().message == "parsing YAML file " + folder.path() +
                                     "/jobs/b.yml: line 2, column 3: found multiple scrape "
                                     "configs with job name \"main\"");
}

TEST_CASE("the configuration is shown with its defaults, and reads back the same") {
  const Config config = Load(R"(
global:
  external_labels: {region: eu, number: "7"}
scrape_configs:
- job_name: node
  sample_limit: 100
  body_size_limit: 10MB
  params: {a: [b]}
  relabel_configs:
  - source_labels: [a, b]
    target_label: c
  file_sd_configs:
  - files: [/x/*.json]
  static_configs:
  - targets: [localhost:9100]
    labels: {x: "y: z"}
)");
  CHECK(config.yaml == R"(global:
  scrape_interval: 1m
  scrape_timeout: 10s
  evaluation_interval: 1m
  external_labels:
    number: '7'
    region: eu
  metric_name_validation_scheme: utf8
  metric_name_escaping_scheme: allow-utf-8
  extra_scrape_metrics: false
scrape_configs:
- job_name: node
  honor_timestamps: true
  track_timestamps_staleness: false
  params:
    a:
    - b
  scrape_interval: 1m
  scrape_timeout: 10s
  scrape_protocols:
  - OpenMetricsText1.0.0
  - OpenMetricsText0.0.1
  - PrometheusText1.0.0
  - PrometheusText0.0.4
  metrics_path: /metrics
  scheme: http
  enable_compression: true
  body_size_limit: 10MiB
  sample_limit: 100
  metric_name_validation_scheme: utf8
  metric_name_escaping_scheme: allow-utf-8
  extra_scrape_metrics: false
  follow_redirects: true
  relabel_configs:
  - source_labels: [a, b]
    separator: ;
    regex: (.*)
    target_label: c
    replacement: $1
    action: replace
  file_sd_configs:
  - files:
    - /x/*.json
    refresh_interval: 5m
  static_configs:
  - targets:
    - localhost:9100
    labels:
      x: 'y: z'
)");
  CHECK(Load(config.yaml).yaml == config.yaml);
}

}  // namespace
}  // namespace barograph::server
