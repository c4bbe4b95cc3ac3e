#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "discovery/target_group.h"
#include "server/config/config.h"
#include "server/scrape/scrape_loop.h"
#include "server/scrape/scrape_metrics.h"
#include "server/scrape/target.h"
#include "web/server_state.h"

/// The targets of one job, and their loops.
namespace barograph::server {

/// What a loop of a pool is made from.
struct LoopParts {
  Target target;
  std::shared_ptr<const ScrapeConfig> config;
  std::shared_ptr<MetadataPool> metadata_pool;
  std::shared_ptr<PoolSeries> pool_series;
  std::chrono::nanoseconds phase_grid;
  Logger logger;
};

/// Makes a loop on some I/O thread and runs it there.
using LoopStarter = std::function<std::shared_ptr<ScrapeLoop>(LoopParts parts)>;

/// Not thread-safe; the manager's lock guards it. Destroying it ends nothing.
class ScrapePool {
 public:
  ScrapePool(std::shared_ptr<const ScrapeConfig> config, ScrapeMetrics& metrics,
             LoopStarter start_loop, Logger logger);

  const ScrapeConfig& config() const { return *config_; }

  /// Makes the targets those of `groups`: loops start and stop, those of targets that stay the
  /// same go on. Targets that cannot be are logged and left out.
  void Sync(std::vector<discovery::TargetGroup> groups);

  /// Takes another configuration for the same job.
  void Reconfigure(std::shared_ptr<const ScrapeConfig> config);

  /// Stops all loops, as when the job is gone.
  void StopAll();

  void ListTargets(std::string_view host_name, web::TargetsSnapshot& out) const;
  void ListMetadata(std::vector<web::MetricMetadata>& out) const;
  web::SeriesLimits::Job SeriesCounts() const;

 private:
  struct Active {
    std::shared_ptr<ScrapeLoop> loop;
    Labels discovered;
  };
  using ActiveTargets = std::map<uint64_t, Active>;  // by Target::Hash

  void SyncGroup(const discovery::TargetGroup& group, ActiveTargets& wanted);
  void SyncTarget(const Labels& discovered, Target target, ActiveTargets& wanted);
  void Drop(Labels discovered);
  void CheckTargetLimit();

  std::shared_ptr<const ScrapeConfig> config_;
  ScrapeMetrics& metrics_;
  const std::shared_ptr<MetadataPool> metadata_pool_;
  const std::shared_ptr<PoolSeries> series_;
  PoolMetrics own_metrics_;
  LoopStarter start_loop_;
  Logger logger_;
  std::vector<discovery::TargetGroup> groups_;
  size_t discovered_ = 0;  // targets in groups_
  ActiveTargets active_;
  std::vector<Labels> dropped_;
  size_t dropped_count_ = 0;
};

}  // namespace barograph::server
