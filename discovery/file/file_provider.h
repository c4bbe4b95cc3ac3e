#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/metrics/registry.h"
#include "base/time.h"
#include "discovery/provider.h"

namespace barograph::discovery {

struct FileProviderOptions {
  std::vector<std::string> files;  ///< patterns, see IsTargetFilePattern
  Duration refresh_interval{std::chrono::minutes(5)};
};

/// Targets in files (Prometheus, "file_sd_config"): reads them again when their directory changes
/// and at every refresh interval. A file that cannot be read or parsed keeps its last good groups;
/// one that is gone takes its groups with it. Metrics: prometheus_sd_file_*.
class FileProvider final : public Provider {
 public:
  /// `metrics` must outlive the provider.
  FileProvider(FileProviderOptions options, Logger logger, MetricsRegistry& metrics);
  ~FileProvider() override;

  std::string_view mechanism() const override { return "file"; }
  boost::asio::awaitable<void> Run(GroupSink sink) override;

  /// Reads every file and returns the groups that a consumer of the previous call's result has to
  /// take over; vanished groups come without targets.
  std::vector<TargetGroup> Refresh();

 private:
  using Sources = std::map<std::string, size_t>;  // file to number of groups

  Result<std::vector<TargetGroup>> ReadFile(const std::string& path);
  void ForgetFile(const std::string& path);
  std::set<std::string> Directories() const;

  const FileProviderOptions options_;
  const Logger logger_;
  MetricsRegistry& metrics_;
  SummaryMetric& scan_seconds_;
  Counter& read_errors_;
  Counter& watch_errors_;
  Sources known_;
};

}  // namespace barograph::discovery
