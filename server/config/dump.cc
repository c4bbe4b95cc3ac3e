#include "server/config/dump.h"

#include <map>

#include "base/model/duration.h"
#include "base/yaml/writer.h"

namespace barograph::server {
namespace {

std::string_view ToString(NameValidation names) {
  return names == NameValidation::kLegacy ? "legacy" : "utf8";
}

void DumpLabels(YamlWriter& out, std::string_view key, const Labels& labels) {
  if (labels.empty()) return;
  out.BeginMap(key);
  for (const Label label : labels) out.Field(label.name, label.value);
  out.EndMap();
}

void DumpProtocols(YamlWriter& out, const std::vector<ScrapeProtocol>& protocols) {
  if (protocols.empty()) return;
  std::vector<std::string> names;
  for (const ScrapeProtocol protocol : protocols) names.emplace_back(server::ToString(protocol));
  out.Field("scrape_protocols", names);
}

void DumpLimits(YamlWriter& out, const ScrapeLimits& limits) {
  const auto field = [&](std::string_view key, uint64_t limit) {
    if (limit != 0) out.Field(key, limit);
  };
  if (limits.body_bytes != 0) out.Field("body_size_limit", FormatBytes(limits.body_bytes));
  field("sample_limit", limits.samples);
  field("target_limit", limits.targets);
  field("series_limit", limits.series);
  field("label_limit", limits.labels);
  field("label_name_length_limit", limits.label_name_length);
  field("label_value_length_limit", limits.label_value_length);
  field("keep_dropped_targets", limits.keep_dropped_targets);
}

void DumpRelabelRules(YamlWriter& out, std::string_view key, const RelabelRules& rules) {
  if (rules.empty()) return;
  out.BeginList(key);
  for (const RelabelRule& rule : rules) {
    const RelabelConfig& config = rule.config();
    out.BeginItem();
    if (!config.source_labels.empty()) out.FlowField("source_labels", config.source_labels);
    out.Field("separator", config.separator);
    if (!config.regex.empty()) out.Field("regex", config.regex);
    if (config.modulus != 0) out.Field("modulus", config.modulus);
    if (!config.target_label.empty()) out.Field("target_label", config.target_label);
    out.Field("replacement", config.replacement);
    out.Field("action", barograph::ToString(config.action));
    out.EndItem();
  }
  out.EndList();
}

void DumpFileSd(YamlWriter& out, const std::vector<FileSdConfig>& configs) {
  if (configs.empty()) return;
  out.BeginList("file_sd_configs");
  for (const FileSdConfig& config : configs) {
    out.BeginItem();
    out.Field("files", config.files);
    out.Field("refresh_interval", FormatDuration(config.refresh_interval));
    out.EndItem();
  }
  out.EndList();
}

void DumpStatic(YamlWriter& out, const std::vector<discovery::TargetGroup>& groups) {
  if (groups.empty()) return;
  out.BeginList("static_configs");
  for (const discovery::TargetGroup& group : groups) {
    std::vector<std::string> addresses;
    for (const Labels& target : group.targets) addresses.emplace_back(target.Get("__address__"));
    out.BeginItem();
    out.Field("targets", addresses);
    DumpLabels(out, "labels", group.labels);
    out.EndItem();
  }
  out.EndList();
}

void DumpParams(YamlWriter& out, const std::map<std::string, std::vector<std::string>>& params) {
  if (params.empty()) return;
  out.BeginMap("params");
  for (const auto& [name, values] : params) out.Field(name, values);
  out.EndMap();
}

void DumpGlobal(YamlWriter& out, const GlobalConfig& global) {
  out.BeginMap("global");
  out.Field("scrape_interval", FormatDuration(global.scrape_interval));
  out.Field("scrape_timeout", FormatDuration(global.scrape_timeout));
  DumpProtocols(out, global.scrape_protocols);
  out.Field("evaluation_interval", FormatDuration(global.evaluation_interval));
  DumpLabels(out, "external_labels", global.external_labels);
  if (!global.query_log_file.empty()) out.Field("query_log_file", global.query_log_file);
  DumpLimits(out, global.limits);
  out.Field("metric_name_validation_scheme", ToString(global.name_validation));
  out.Field("metric_name_escaping_scheme", server::ToString(global.name_escaping));
  out.Field("extra_scrape_metrics", global.extra_scrape_metrics);
  out.EndMap();
}

void DumpScrape(YamlWriter& out, const ScrapeConfig& scrape) {
  out.BeginItem();
  out.Field("job_name", scrape.job_name);
  if (scrape.honor_labels) out.Field("honor_labels", true);
  out.Field("honor_timestamps", scrape.honor_timestamps);
  out.Field("track_timestamps_staleness", scrape.track_timestamps_staleness);
  DumpParams(out, scrape.params);
  out.Field("scrape_interval", FormatDuration(scrape.scrape_interval));
  out.Field("scrape_timeout", FormatDuration(scrape.scrape_timeout));
  DumpProtocols(out, scrape.scrape_protocols);
  if (scrape.fallback_scrape_protocol) {
    out.Field("fallback_scrape_protocol", server::ToString(*scrape.fallback_scrape_protocol));
  }
  if (!scrape.metrics_path.empty()) out.Field("metrics_path", scrape.metrics_path);
  out.Field("scheme", scrape.scheme);
  out.Field("enable_compression", scrape.enable_compression);
  DumpLimits(out, scrape.limits);
  out.Field("metric_name_validation_scheme", ToString(scrape.name_validation));
  out.Field("metric_name_escaping_scheme", server::ToString(scrape.name_escaping));
  out.Field("extra_scrape_metrics", scrape.extra_scrape_metrics);
  out.Field("follow_redirects", scrape.follow_redirects);
  DumpRelabelRules(out, "relabel_configs", scrape.relabel_configs);
  DumpRelabelRules(out, "metric_relabel_configs", scrape.metric_relabel_configs);
  DumpFileSd(out, scrape.file_sd_configs);
  DumpStatic(out, scrape.static_configs);
  out.EndItem();
}

void DumpStorage(YamlWriter& out, const StorageConfig& storage) {
  const bool share = storage.retention_percentage > 0;
  const bool retention = storage.retention_time || storage.retention_bytes || share;
  const bool tsdb = retention || storage.out_of_order_window;
  if (!tsdb && !storage.max_exemplars) return;
  out.BeginMap("storage");
  if (tsdb) {
    out.BeginMap("tsdb");
    if (storage.out_of_order_window) {
      out.Field("out_of_order_time_window", FormatDuration(*storage.out_of_order_window));
    }
    if (retention) {
      out.BeginMap("retention");
      if (storage.retention_time) out.Field("time", FormatDuration(*storage.retention_time));
      if (storage.retention_bytes) out.Field("size", FormatBytes(*storage.retention_bytes));
      if (share) out.Field("percentage", storage.retention_percentage);
      out.EndMap();
    }
    out.EndMap();
  }
  if (storage.max_exemplars) {
    out.BeginMap("exemplars");
    out.Field("max_exemplars", *storage.max_exemplars);
    out.EndMap();
  }
  out.EndMap();
}

}  // namespace

std::string DumpConfig(const Config& config) {
  YamlWriter out;
  DumpGlobal(out, config.global);
  if (!config.scrape_config_files.empty()) {
    out.Field("scrape_config_files", config.scrape_config_files);
  }
  if (!config.scrape_configs.empty()) {
    out.BeginList("scrape_configs");
    for (const ScrapeConfig& scrape : config.scrape_configs) DumpScrape(out, scrape);
    out.EndList();
  }
  DumpStorage(out, config.storage);
  return out.text();
}

}  // namespace barograph::server
