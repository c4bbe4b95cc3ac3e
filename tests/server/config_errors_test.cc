#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "server/config/loader.h"

namespace barograph::server {
namespace {

struct Bad {
  std::string yaml;
  std::string message;  ///< without the file's name
};

const std::vector<Bad> kBad = {
    {"global:\n  foo: 1\n", "line 2, column 3: field foo not found in type config.plain"},
    {"globals: {}\n", "line 1, column 1: field globals not found in type config.plain"},
    {"global:\n  scrape_interval: 1x\n",
     "line 2, column 20: unknown unit \"x\" in duration \"1x\""},
    {"global:\n  scrape_interval: 5s\n  scrape_timeout: 10s\n",
     "line 3, column 3: global scrape timeout greater than scrape interval"},
    {"global:\n  external_labels:\n    \"\": x\n",
     "line 3, column 5: \"\" is not a valid label name"},
    {"global:\n  metric_name_validation_scheme: odd\n",
     "line 2, column 3: unrecognized ValidationScheme: \"odd\""},
    {"global:\n  scrape_interval: 5s\n  scrape_interval: 6s\n",
     "line 3, column 3: key \"scrape_interval\" already set in map"},
    {"storage: {tsdb: {retention: {percentage: 101}}}\n",
     "line 1, column 30: 'storage.tsdb.retention.percentage' must be in the range [0, 100]"},
    {"storage: {exemplars: {max: 1}}\n",
     "line 1, column 23: field max not found in type config.ExemplarsConfig"},
    {"storage:\n  exemplars:\n    max_exemplars: 1.5\n",
     "line 3, column 20: cannot unmarshal !!str `1.5` into int64"},
    {"scrape_configs:\n- \n", "line 2, column 1: empty or null scrape config section"},
    {"scrape_configs:\n- honor_labels: true\n", "line 2, column 3: job_name is empty"},
    {"scrape_configs:\n- job_nam: a\n",
     "line 2, column 3: field job_nam not found in type config.ScrapeConfig"},
    {"scrape_configs:\n- job_name: a\n- job_name: a\n",
     "line 3, column 3: found multiple scrape configs with job name \"a\""},
    {"scrape_configs:\n- job_name: a\n  scrape_interval: 5s\n  scrape_timeout: 6s\n",
     "line 4, column 3: scrape timeout greater than scrape interval for scrape config with job "
     "name \"a\""},
    {"scrape_configs:\n- job_name: a\n  honor_labels: 3\n",
     "line 3, column 17: cannot unmarshal !!str `3` into bool"},
    {"scrape_configs:\n- job_name: a\n  sample_limit: -1\n",
     "line 3, column 17: cannot unmarshal !!str `-1` into uint"},
    {"scrape_configs:\n- job_name: a\n  scheme: ftp\n",
     "line 3, column 3: unknown scheme \"ftp\", must be http or https"},
    {"scrape_configs:\n- job_name: a\n  static_configs:\n  - targets: ['http://x']\n",
     "line 4, column 15: \"http://x\" is not a valid hostname"},
    {"scrape_configs:\n- job_name: a\n  static_configs:\n  - target: [x]\n",
     "line 4, column 5: field target not found in type targetgroup.Group"},
    {"scrape_configs:\n- job_name: a\n  file_sd_configs:\n  - files: ['a/*/b.json']\n",
     "line 4, column 5: path name \"a/*/b.json\" is not valid for file discovery"},
    {"scrape_configs:\n- job_name: a\n  file_sd_configs:\n  - refresh_interval: 1m\n",
     "line 4, column 5: file service discovery config must contain at least one path name"},
    {"scrape_configs:\n- job_name: a\n  scrape_protocols: [PrometheusText0.0.4, "
     "PrometheusText0.0.4]\n",
     "line 3, column 43: duplicated protocol in scrape_protocols, got [PrometheusText0.0.4 "
     "PrometheusText0.0.4] for scrape config with job name \"a\""},
    {"scrape_configs:\n- job_name: a\n  relabel_configs:\n  - action: dance\n",
     "line 4, column 13: unknown relabel action \"dance\""},
    {"scrape_configs:\n- job_name: a\n  metric_relabel_configs:\n  - \n",
     "line 4, column 3: empty or null metric relabeling rule in scrape config"},
    {"scrape_configs:\n- job_name: a\n  metric_name_validation_scheme: legacy\n"
     "  metric_name_escaping_scheme: allow-utf-8\n",
     "line 4, column 3: utf8 metric names requested but validation scheme is not set to UTF8"},
    {"scrape_configs:\n- job_name: a\n  kubernetes_sd_configs: [{role: pod}]\n",
     "line 3, column 3: kubernetes_sd_configs is not supported yet"},
    {"scrape_configs:\n- job_name: a\n  basic_auth: {username: x}\n",
     "line 3, column 3: basic_auth is not supported yet"},
    {"scrape_configs:\n- job_name: a\n  scrape_native_histograms: true\n",
     "line 3, column 3: scrape_native_histograms is not supported yet"},
    {"remote_write:\n- url: http://x\n", "line 1, column 1: remote_write is not supported yet"},
    {"rule_files: [a.yml]\n", "line 1, column 1: rule_files is not supported yet"},
    {"runtime:\n  gogo: 1\n",
     "line 2, column 3: field gogo not found in type config.RuntimeConfig"},
    {"- a\n", "line 1, column 1: cannot unmarshal !!seq into config.plain"},
};

TEST_CASE("a configuration error names file, line, column and cause") {
  for (const Bad& bad : kBad) {
    CAPTURE(bad.yaml);
    const auto config = LoadConfig(PosixFileSystem(), bad.yaml, "dir/prometheus.yml");
    REQUIRE_FALSE(config.has_value());
    CHECK(config.error().message == "parsing YAML file dir/prometheus.yml: " + bad.message);
    CHECK(config.error().position.has_value());
  }
}

TEST_CASE("a rule that relabelling refuses is pointed at") {
  const auto config = LoadConfig(
      PosixFileSystem(),
      "scrape_configs:\n- job_name: a\n  relabel_configs:\n  - action: hashmod\n    target_label: "
      "x\n",
      "p.yml");
  REQUIRE_FALSE(config.has_value());
  CHECK(config.error().position == TextPosition{4, 5});
}

TEST_CASE("broken YAML is an error with a position") {
  for (const std::string yaml : {"a: [", "a: b: c", "\t- x", "a: &x *y", "{", "'"}) {
    CAPTURE(yaml);
    const auto config = LoadConfig(PosixFileSystem(), yaml, "p.yml");
    REQUIRE_FALSE(config.has_value());
    CHECK(config.error().position.has_value());
  }
}

TEST_CASE("deep nesting and growing aliases are refused, not followed") {
  CHECK_FALSE(LoadConfig(PosixFileSystem(), std::string(100'000, '['), "p.yml").has_value());
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 12; ++i) {
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) bomb += "*a" + std::to_string(i - 1) + ",";
    bomb += "x]\n";
  }
  const auto config = LoadConfig(PosixFileSystem(), bomb, "p.yml");
  REQUIRE_FALSE(config.has_value());
  CHECK(config.error().code == ErrorCode::kLimitExceeded);
}

}  // namespace
}  // namespace barograph::server
