#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/metrics/registry.h"
#include "base/time.h"
#include "discovery/provider.h"
#include "discovery/target_group.h"

/// Runs the providers of every job and hands each job's groups on, throttled.
namespace barograph::discovery {

/// A provider to run. Two specs with the same fingerprint find the same targets.
struct ProviderSpec {
  std::string fingerprint;  ///< mechanism and configuration as text
  std::function<std::unique_ptr<Provider>()> make;
};

/// Job to its providers.
using JobProviders = std::map<std::string, std::vector<ProviderSpec>>;

/// Takes all groups of a job, replacing those before. Called on the manager's I/O thread.
using JobSink = std::function<void(const std::string& job, std::vector<TargetGroup> groups)>;

struct ManagerOptions {
  std::string name = "scrape";  ///< the label `name` of its metrics
  /// A job's groups are handed on at once when they were not for so long, else after so long.
  Duration throttle{std::chrono::seconds(5)};
};

/// Metrics: prometheus_sd_discovered_targets{config}, prometheus_sd_received_updates_total,
/// prometheus_sd_updates_total, prometheus_sd_updates_delayed_total.
class Manager {
 public:
  /// Everything happens on `context`, which like `metrics` must outlive the manager.
  Manager(boost::asio::io_context& context, ManagerOptions options, JobSink sink, Logger logger,
          MetricsRegistry& metrics);
  /// Precondition: Stop() has finished, or Apply() was never called.
  ~Manager();

  /// Makes the running providers those of `jobs`: the ones whose job and fingerprint are
  /// unchanged go on undisturbed, with what they found. Called on the context's thread.
  void Apply(JobProviders jobs);

  /// Ends all providers. Called on the context's thread; nothing is handed on afterwards.
  boost::asio::awaitable<void> Stop();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace barograph::discovery
