#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/model/labels.h"
#include "base/model/relabel.h"
#include "base/result.h"
#include "base/time.h"
#include "discovery/target_group.h"

/// prometheus.yml as values, with Prometheus's defaults (reference: Prometheus 3,
/// "configuration"). Loading is in loader.h.
namespace barograph::server {

enum class ScrapeProtocol : uint8_t {
  kPrometheusProto,
  kOpenMetricsText0_0_1,
  kOpenMetricsText1_0_0,
  kPrometheusText0_0_4,
  kPrometheusText1_0_0,
};
std::string_view ToString(ScrapeProtocol protocol);
std::optional<ScrapeProtocol> ParseScrapeProtocol(std::string_view name);

/// What a target is asked to do with names that the legacy scheme refuses
/// (metric_name_escaping_scheme).
enum class NameEscaping : uint8_t { kAllowUtf8, kUnderscores, kDots, kValues };
std::string_view ToString(NameEscaping escaping);
std::optional<NameEscaping> ParseNameEscaping(std::string_view name);

struct FileSdConfig {
  std::vector<std::string> files;  ///< resolved against the configuration's folder
  Duration refresh_interval{std::chrono::minutes(5)};
  bool operator==(const FileSdConfig&) const = default;
};

/// Limits of a scrape; 0 is none.
struct ScrapeLimits {
  uint64_t body_bytes = 0;
  uint64_t samples = 0;
  uint64_t labels = 0;
  uint64_t label_name_length = 0;
  uint64_t label_value_length = 0;
  uint64_t targets = 0;
  uint64_t keep_dropped_targets = 0;
  uint64_t series = 0;  ///< of all targets of a job together; an extension (series_limit)
  bool operator==(const ScrapeLimits&) const = default;
};

/// One job, with everything that it inherits from `global` filled in.
struct ScrapeConfig {
  std::string job_name;
  Duration scrape_interval{std::chrono::minutes(1)};
  Duration scrape_timeout{std::chrono::seconds(10)};
  std::vector<ScrapeProtocol> scrape_protocols;
  std::optional<ScrapeProtocol> fallback_scrape_protocol;
  std::string metrics_path = "/metrics";
  std::string scheme = "http";
  std::map<std::string, std::vector<std::string>> params;
  bool honor_labels = false;
  bool honor_timestamps = true;
  bool track_timestamps_staleness = false;
  bool enable_compression = true;
  bool follow_redirects = true;
  bool extra_scrape_metrics = false;
  NameValidation name_validation = NameValidation::kUtf8;
  NameEscaping name_escaping = NameEscaping::kAllowUtf8;
  ScrapeLimits limits;
  RelabelRules relabel_configs;
  RelabelRules metric_relabel_configs;
  std::vector<discovery::TargetGroup> static_configs;
  std::vector<FileSdConfig> file_sd_configs;

  bool operator==(const ScrapeConfig&) const = default;
};

struct GlobalConfig {
  Duration scrape_interval{std::chrono::minutes(1)};
  Duration scrape_timeout{std::chrono::seconds(10)};
  Duration evaluation_interval{std::chrono::minutes(1)};
  Labels external_labels;
  std::string query_log_file;                    ///< resolved; empty: no log
  std::vector<ScrapeProtocol> scrape_protocols;  ///< empty: each job's own default
  bool extra_scrape_metrics = false;
  NameValidation name_validation = NameValidation::kUtf8;
  NameEscaping name_escaping = NameEscaping::kAllowUtf8;
  ScrapeLimits limits;
};

/// `storage`; what is not set is as the flags say.
struct StorageConfig {
  std::optional<Duration> out_of_order_window;
  std::optional<Duration> retention_time;   ///< 0 is for ever
  std::optional<uint64_t> retention_bytes;  ///< 0 is no limit
  double retention_percentage = 0;          ///< of the disk; 0 is no limit

  /// Counts where the exemplar storage is enabled; 0 and less keep none.
  std::optional<int64_t> max_exemplars;
};
inline constexpr int64_t kDefaultMaxExemplars = 100'000;

struct Config {
  GlobalConfig global;
  StorageConfig storage;
  std::vector<ScrapeConfig> scrape_configs;      ///< those of scrape_config_files come last
  std::vector<std::string> scrape_config_files;  ///< patterns, resolved

  /// The configuration as YAML with every default filled in and secrets masked, as
  /// /api/v1/status/config shows it.
  std::string yaml;
};

}  // namespace barograph::server
