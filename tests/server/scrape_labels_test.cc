#include <catch2/catch.hpp>
#include <string>

#include "server/scrape/series_labels.h"

namespace barograph::server {
namespace {

const Labels kTarget{{"instance", "i"}, {"job", "j"}};

std::string Make(const Labels& exposed, const ScrapeConfig& config,
                 const Labels& target = kTarget) {
  const auto labels = SeriesLabels(target, config).Make(exposed);
  if (!labels) return "error: " + labels.error().message;
  return *labels ? (*labels)->ToString() : "dropped";
}

TEST_CASE("the target's labels win, and what they replace is kept under another name") {
  const ScrapeConfig config;
  CHECK(Make({{"__name__", "a"}, {"x", "y"}}, config) == R"(a{instance="i", job="j", x="y"})");
  CHECK(Make({{"__name__", "a"}, {"job", "own"}}, config) ==
        R"(a{exported_job="own", instance="i", job="j"})");
  CHECK(Make({{"__name__", "a"}, {"exported_job", "first"}, {"job", "own"}}, config) ==
        R"(a{exported_exported_job="own", exported_job="first", instance="i", job="j"})");
  CHECK(Make({{"__name__", "a"}, {"exported_job", "first"}, {"job", "own"}}, config,
             {{"exported_job", "t"}, {"job", "j"}}) ==
        R"(a{exported_exported_exported_job="first", exported_exported_job="own", )"
        R"(exported_job="t", job="j"})");
}

TEST_CASE("with honor_labels the page's labels win") {
  ScrapeConfig config;
  config.honor_labels = true;
  CHECK(Make({{"__name__", "a"}, {"job", "own"}}, config) == R"(a{instance="i", job="own"})");
}

TEST_CASE("metric relabelling may drop or rename") {
  ScrapeConfig config;
  config.metric_relabel_configs = {
      *RelabelRule::Make(
          {.source_labels = {"__name__"}, .regex = "go_.*", .action = RelabelAction::kDrop}),
      *RelabelRule::Make({.regex = "x", .action = RelabelAction::kLabelDrop})};
  CHECK(Make({{"__name__", "go_x"}}, config) == "dropped");
  CHECK(Make({{"__name__", "a"}, {"x", "y"}}, config) == R"(a{instance="i", job="j"})");
  config.metric_relabel_configs = {
      *RelabelRule::Make({.regex = "__name__", .action = RelabelAction::kLabelDrop})};
  CHECK(Make({{"__name__", "a"}}, config) == "error: missing metric name (__name__ label)");
}

TEST_CASE("names are checked by the scheme") {
  ScrapeConfig config;
  CHECK(Make({{"__name__", "a.b"}}, config) == R"({"a.b", instance="i", job="j"})");
  CHECK(Make({{"__name__", "\xff"}}, config)
            .starts_with("error: invalid metric name or label names: "));
  config.name_validation = NameValidation::kLegacy;
  CHECK(Make({{"__name__", "a.b"}}, config) ==
        R"(error: invalid metric name or label names: {"a.b", instance="i", job="j"})");
}

TEST_CASE("label limits fail with the metric, the label and the limit") {
  ScrapeConfig config;
  config.limits.labels = 3;
  CHECK(Make({{"__name__", "a"}}, config) == R"(a{instance="i", job="j"})");
  CHECK(Make({{"__name__", "a"}, {"x", "y"}}, config) ==
        "error: label_limit exceeded (metric: a, number of labels: 4, limit: 3)");
  config.limits = {.label_name_length = 8};
  CHECK(Make({{"__name__", "a"}, {"x123456789", "y"}}, config) ==
        "error: label_name_length_limit exceeded (metric: a, label name: x123456789, length: 10, "
        "limit: 8)");
  config.limits = {.label_value_length = 3};
  CHECK(Make({{"__name__", "a"}, {"x", std::string(60, 'y')}}, config) ==
        "error: label_value_length_limit exceeded (metric: a, label name: x, value: \"" +
            std::string(50, 'y') + "\", length: 60, limit: 3)");
}

TEST_CASE("series about the scrape have the target's labels only") {
  ScrapeConfig config;
  config.metric_relabel_configs = {*RelabelRule::Make(
      {.source_labels = {"__name__"}, .regex = "up", .action = RelabelAction::kDrop})};
  CHECK(SeriesLabels(kTarget, config).MakeReport("up").ToString() ==
        R"(up{instance="i", job="j"})");
}

}  // namespace
}  // namespace barograph::server
