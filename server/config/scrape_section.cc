#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/model/number.h"
#include "discovery/target_group_reader.h"
#include "server/config/sections.h"

namespace barograph::server {
namespace {

constexpr std::array<ScrapeProtocol, 4> kDefaultProtocols = {
    ScrapeProtocol::kOpenMetricsText1_0_0, ScrapeProtocol::kOpenMetricsText0_0_1,
    ScrapeProtocol::kPrometheusText1_0_0, ScrapeProtocol::kPrometheusText0_0_4};

// What Prometheus knows in a scrape_config and this server does not yet.
constexpr std::array<std::string_view, 55> kUnsupported = {
    "scrape_failure_log_file", "native_histogram_bucket_limit",
    "native_histogram_min_bucket_factor",
    // How to talk to the target.
    "basic_auth", "authorization", "oauth2", "bearer_token", "bearer_token_file", "tls_config",
    "proxy_url", "no_proxy", "proxy_from_environment", "proxy_connect_header", "http_headers",
    // How to find it.
    "aws_sd_configs", "azure_sd_configs", "consul_sd_configs", "digitalocean_sd_configs",
    "dns_sd_configs", "docker_sd_configs", "dockerswarm_sd_configs", "ec2_sd_configs",
    "ecs_sd_configs", "elasticache_sd_configs", "eureka_sd_configs", "gce_sd_configs",
    "hetzner_sd_configs", "http_sd_configs", "ionos_sd_configs", "kubernetes_sd_configs",
    "kuma_sd_configs", "lightsail_sd_configs", "linode_sd_configs", "marathon_sd_configs",
    "msk_sd_configs", "nerve_sd_configs", "nomad_sd_configs", "oci_sd_configs",
    "openstack_sd_configs", "outscale_sd_configs", "ovhcloud_sd_configs", "puppetdb_sd_configs",
    "rds_sd_configs", "scaleway_sd_configs", "serverset_sd_configs", "stackit_sd_configs",
    "triton_sd_configs", "uyuni_sd_configs", "vultr_sd_configs"};

/// Reads one scrape_config; each method reads one kind of fields.
class ScrapeReader {
 public:
  ScrapeReader(StrictMap map, const GlobalConfig& global, const SectionContext& context)
      : map_(std::move(map)), global_(global), context_(context) {}

  Result<ScrapeConfig> Read() {
    TRY(map_.Read("job_name", config_.job_name));
    TRY(ReadTimes());
    TRY(ReadProtocolFields());
    TRY(ReadRequest());
    TRY(ReadSampleHandling());
    TRY(ReadNames());
    TRY(ReadRelabelling());
    TRY(ReadStaticConfigs());
    TRY(ReadFileSdConfigs());
    for (const std::string_view key : kUnsupported) TRY(map_.Unsupported(key));
    TRY(map_.Finish());
    // After Finish: the name may be there under a key with a slip in it.
    if (config_.job_name.empty()) return FailAt(map_.position(), "job_name is empty");
    return std::move(config_);
  }

 private:
  std::string Whose() const { return "scrape config with job name " + Quote(config_.job_name); }

  Status ReadTimes() {
    Duration interval{0};
    Duration timeout{0};
    TRY(map_.Read("scrape_interval", interval));
    TRY(map_.Read("scrape_timeout", timeout));
    config_.scrape_interval = interval > Duration(0) ? interval : global_.scrape_interval;
    if (timeout > config_.scrape_interval) {
      return FailAt(map_.PositionOf("scrape_timeout"),
                    "scrape timeout greater than scrape interval for " + Whose());
    }
    config_.scrape_timeout =
        timeout > Duration(0) ? timeout : std::min(global_.scrape_timeout, config_.scrape_interval);
    return {};
  }

  Status ReadProtocolFields() {
    TRY(ReadProtocols(map_, config_.scrape_protocols, Whose()));
    if (config_.scrape_protocols.empty()) config_.scrape_protocols = global_.scrape_protocols;
    if (config_.scrape_protocols.empty()) {
      config_.scrape_protocols.assign(kDefaultProtocols.begin(), kDefaultProtocols.end());
    }
    std::string fallback;
    TRY(map_.Read("fallback_scrape_protocol", fallback));
    config_.fallback_scrape_protocol = ParseScrapeProtocol(fallback);
    if (fallback.empty() || config_.fallback_scrape_protocol) return {};
    return FailAt(map_.PositionOf("fallback_scrape_protocol"),
                  fmt::format("invalid fallback_scrape_protocol for {}: unknown scrape protocol "
                              "{}, supported: [OpenMetricsText0.0.1 OpenMetricsText1.0.0 "
                              "PrometheusProto PrometheusText0.0.4 PrometheusText1.0.0]",
                              Whose(), fallback));
  }

  Status ReadRequest() {
    TRY(map_.Read("metrics_path", config_.metrics_path));
    TRY(map_.Read("scheme", config_.scheme));
    if (config_.scheme != "http" && config_.scheme != "https") {
      return FailAt(map_.PositionOf("scheme"),
                    fmt::format("unknown scheme {}, must be http or https", Quote(config_.scheme)));
    }
    if (const YamlNode* params = map_.Take("params")) TRY(ReadParams(*params));
    TRY(map_.Read("enable_compression", config_.enable_compression));
    TRY(map_.Read("follow_redirects", config_.follow_redirects));
    // Targets are scraped over HTTP/1.1 whether or not they could be over HTTP/2: the answer is
    // the same.
    bool http2 = true;
    TRY(map_.Read("enable_http2", http2));
    return {};
  }

  Status ReadParams(const YamlNode& node) {
    if (!node.null() && node.kind != YamlNode::Kind::kMap) {
      return FailAt(node.position,
                    fmt::format("cannot unmarshal {} into url.Values", DescribeYaml(node)));
    }
    for (const YamlEntry& entry : node.entries) {
      TRY(ReadYaml(entry.value, config_.params[entry.key]));
    }
    return {};
  }

  Status ReadSampleHandling() {
    TRY(map_.Read("honor_labels", config_.honor_labels));
    TRY(map_.Read("honor_timestamps", config_.honor_timestamps));
    TRY(map_.Read("track_timestamps_staleness", config_.track_timestamps_staleness));
    config_.extra_scrape_metrics = global_.extra_scrape_metrics;
    TRY(map_.Read("extra_scrape_metrics", config_.extra_scrape_metrics));
    TRY(RejectNativeHistograms(map_));
    ScrapeLimits& limits = config_.limits;
    TRY(ReadLimits(map_, limits));
    // 0 inherits: a job cannot take a global limit off.
    for (uint64_t ScrapeLimits::* limit :
         {&ScrapeLimits::body_bytes, &ScrapeLimits::samples, &ScrapeLimits::labels,
          &ScrapeLimits::label_name_length, &ScrapeLimits::label_value_length,
          &ScrapeLimits::targets, &ScrapeLimits::keep_dropped_targets, &ScrapeLimits::series}) {
      if (limits.*limit == 0) limits.*limit = global_.limits.*limit;
    }
    return {};
  }

  Status ReadNames() {
    std::optional<NameValidation> names;
    TRY(ReadNameValidation(map_, names));
    config_.name_validation = names.value_or(global_.name_validation);
    std::optional<NameEscaping> escaping;
    TRY(ReadNameEscaping(map_, escaping));
    config_.name_escaping =
        escaping.value_or(names ? DefaultEscaping(*names) : global_.name_escaping);
    if (config_.name_escaping == NameEscaping::kAllowUtf8 &&
        config_.name_validation == NameValidation::kLegacy) {
      return FailAt(map_.PositionOf("metric_name_escaping_scheme"),
                    "utf8 metric names requested but validation scheme is not set to UTF8");
    }
    return {};
  }

  Status ReadRelabelling() {
    TRY(ReadRelabelRules(map_, "relabel_configs", "target relabeling rule in scrape config",
                         config_.name_validation, config_.relabel_configs));
    TRY(ReadRelabelRules(map_, "metric_relabel_configs", "metric relabeling rule in scrape config",
                         config_.name_validation, config_.metric_relabel_configs));
    return {};
  }

  Status ReadStaticConfigs() {
    const YamlNode* node = map_.Take("static_configs");
    if (node == nullptr) return {};
    const std::vector<YamlNode>* items = TRY(YamlItems(*node));
    for (const YamlNode& item : *items) {
      if (item.null()) return FailAt(item.position, "empty or null section in static_configs");
      config_.static_configs.push_back(TRY(discovery::ReadTargetGroup(item)));
      config_.static_configs.back().source = std::to_string(config_.static_configs.size() - 1);
      if (config_.relabel_configs.empty()) TRY(CheckAddresses(item));
    }
    return {};
  }

  /// A URL where an address belongs; relabelling might put it right, so it is only checked where
  /// there is none.
  static Status CheckAddresses(const YamlNode& group) {
    for (const YamlEntry& entry : group.entries) {
      if (entry.key != "targets") continue;
      for (const YamlNode& target : entry.value.items) {
        if (target.text.find('/') == std::string::npos) continue;
        return FailAt(target.position, Quote(target.text) + " is not a valid hostname");
      }
    }
    return {};
  }

  Status ReadFileSdConfigs() {
    const YamlNode* node = map_.Take("file_sd_configs");
    if (node == nullptr) return {};
    const std::vector<YamlNode>* items = TRY(YamlItems(*node));
    for (const YamlNode& item : *items) {
      if (item.null()) return FailAt(item.position, "empty or null section in file_sd_configs");
      config_.file_sd_configs.push_back(TRY(ReadFileSd(item, context_)));
    }
    return {};
  }

  StrictMap map_;
  const GlobalConfig& global_;
  const SectionContext& context_;
  ScrapeConfig config_;
};

}  // namespace

Result<ScrapeConfig> ReadScrapeConfig(const YamlNode& node, const GlobalConfig& global,
                                      const SectionContext& context) {
  if (node.null()) return FailAt(node.position, "empty or null scrape config section");
  return ScrapeReader(TRY(StrictMap::Open(node, "config.ScrapeConfig")), global, context).Read();
}

}  // namespace barograph::server
