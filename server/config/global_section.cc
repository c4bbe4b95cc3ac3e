#include <fmt/format.h>

#include <algorithm>

#include "server/config/sections.h"

namespace barograph::server {
namespace {

Status ReadIntervals(StrictMap& map, GlobalConfig& global) {
  Duration interval{0};
  Duration timeout{0};
  Duration evaluation{0};
  TRY(map.Read("scrape_interval", interval));
  TRY(map.Read("scrape_timeout", timeout));
  TRY(map.Read("evaluation_interval", evaluation));
  if (interval > Duration(0)) global.scrape_interval = interval;
  if (timeout > global.scrape_interval) {
    return FailAt(map.PositionOf("scrape_timeout"),
                  "global scrape timeout greater than scrape interval");
  }
  global.scrape_timeout =
      timeout > Duration(0) ? timeout : std::min(global.scrape_timeout, global.scrape_interval);
  if (evaluation > Duration(0)) global.evaluation_interval = evaluation;
  return {};
}

}  // namespace

Result<GlobalConfig> ReadGlobal(const YamlNode& node, const SectionContext& context) {
  StrictMap map = TRY(StrictMap::Open(node, "config.plain"));
  GlobalConfig global;
  global.extra_scrape_metrics = context.extra_scrape_metrics;
  TRY(ReadIntervals(map, global));
  std::optional<NameValidation> names;
  TRY(ReadNameValidation(map, names));
  global.name_validation = names.value_or(NameValidation::kUtf8);
  std::optional<NameEscaping> escaping;
  TRY(ReadNameEscaping(map, escaping));
  global.name_escaping = escaping.value_or(DefaultEscaping(global.name_validation));
  if (const YamlNode* labels = map.Take("external_labels")) {
    TRY(ReadYamlLabels(*labels, global.name_validation, global.external_labels));
  }
  TRY(ReadProtocols(map, global.scrape_protocols, "global config"));
  TRY(ReadLimits(map, global.limits));
  TRY(map.Read("extra_scrape_metrics", global.extra_scrape_metrics));
  TRY(RejectNativeHistograms(map));
  Duration query_offset{0};
  TRY(map.Read("rule_query_offset", query_offset));
  if (query_offset != Duration(0)) TRY(map.Unsupported("rule_query_offset"));
  TRY(map.Read("query_log_file", global.query_log_file));
  global.query_log_file = ResolvePath(context, global.query_log_file);
  TRY(map.Unsupported("scrape_failure_log_file"));
  TRY(map.Finish());
  return global;
}

}  // namespace barograph::server
