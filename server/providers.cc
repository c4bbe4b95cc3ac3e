#include "server/providers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "discovery/file/file_provider.h"
#include "discovery/static/static_provider.h"

namespace barograph::server {
namespace {

std::string Fingerprint(const std::vector<discovery::TargetGroup>& groups) {
  std::string out = "static";
  for (const discovery::TargetGroup& group : groups) {
    out += "|" + group.labels.ToString();
    for (const Labels& target : group.targets) out += target.ToString();
  }
  return out;
}

std::string Fingerprint(const FileSdConfig& config) {
  return fmt::format("file|{}|{}", config.refresh_interval.count(), fmt::join(config.files, "|"));
}

}  // namespace

discovery::JobProviders ProvidersOf(const std::vector<ScrapeConfig>& jobs, const Logger& logger,
                                    MetricsRegistry& metrics) {
  discovery::JobProviders providers;
  for (const ScrapeConfig& job : jobs) {
    std::vector<discovery::ProviderSpec>& specs = providers[job.job_name];
    if (!job.static_configs.empty()) {
      specs.push_back({Fingerprint(job.static_configs), [groups = job.static_configs] {
                         return std::make_unique<discovery::StaticProvider>(groups);
                       }});
    }
    for (const FileSdConfig& config : job.file_sd_configs) {
      specs.push_back({Fingerprint(config), [config, logger, &metrics] {
                         return std::make_unique<discovery::FileProvider>(
                             discovery::FileProviderOptions{config.files, config.refresh_interval},
                             logger.With({{"discovery", "file"}}), metrics);
                       }});
    }
  }
  return providers;
}

}  // namespace barograph::server
