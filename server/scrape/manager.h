#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/metrics/registry.h"
#include "base/model/labels.h"
#include "base/result.h"
#include "base/storage/appendable.h"
#include "base/storage/exemplars.h"
#include "base/time.h"
#include "discovery/target_group.h"
#include "net/runtime.h"
#include "server/config/config.h"
#include "web/server_state.h"

/// Scraping: one pool of targets a job, one loop a target. The manager turns what discovery found
/// into targets, starts and ends their loops, and shows them to the API.
namespace barograph::server {

/// Limits and habits that do not come from prometheus.yml.
struct ScrapeOptions {
  std::string user_agent = "Barograph/0";

  /// --scrape.adjust-timestamps and --scrape.timestamp-tolerance: a scrape that starts at most
  /// this long (and at most 1 % of its interval) after its tick is stored at the tick.
  bool align_timestamps = true;
  Duration timestamp_tolerance{2};

  /// Bounds that hold also where the job sets none, so that no page can take the server down.
  uint64_t max_body_bytes = uint64_t{512} << 20;
  uint64_t max_line_bytes = uint64_t{4} << 20;

  /// OpenMetrics's `_created` lines tell when series began, and are none themselves.
  bool starts = false;

  /// Mixed into each target's phase, so that a pair of servers scrapes at different times. Empty
  /// is the machine's name.
  std::string host_name{};
};

/// Thread-safe. Everything it is given must outlive it; `exemplars` is null where none are kept.
/// The runtime must be started before the first SyncTargets and still run at Stop.
class ScrapeManager {
 public:
  ScrapeManager(net::Runtime& runtime, Appendable& storage, MetricsRegistry& registry,
                const Clock& clock, Logger logger, ScrapeOptions options = {},
                ExemplarAppendable* exemplars = nullptr);

  /// Stop() must have been called if anything was applied.
  ~ScrapeManager();

  ScrapeManager(const ScrapeManager&) = delete;
  ScrapeManager& operator=(const ScrapeManager&) = delete;

  /// Makes the set of jobs this one. Pools of jobs that are gone end (their series get staleness
  /// markers), new jobs start without targets. A job whose configuration is unchanged is not
  /// touched; in one that changed, the targets that stay the same keep their loop, their columns
  /// and their phase, and see the new configuration from their next scrape on.
  Status ApplyConfig(std::vector<ScrapeConfig> configs, const Labels& external_labels);

  /// Makes `groups` the whole of what discovery knows for `job`; with an unknown job nothing
  /// happens. Targets that stay the same are not disturbed. Returns before the loops of removed
  /// targets ended.
  void SyncTargets(std::string_view job, std::vector<discovery::TargetGroup> groups);

  /// Ends all loops, without staleness markers: the server will come back and go on. Waits until
  /// scrapes under way were cancelled, at most `grace`; false when that was not enough. Called
  /// from outside the runtime's threads. Afterwards nothing can be started.
  bool Stop(Duration grace);

  /// What /api/v1/targets shows: active targets by job and URL, dropped ones by job.
  web::TargetsSnapshot Targets() const;

  /// Every target's metadata, by metric, then target.
  std::vector<web::MetricMetadata> Metadata() const;

  /// How many series each job has, and may have.
  std::vector<web::SeriesLimits::Job> SeriesOfJobs() const;

  /// The jobs, sorted.
  std::vector<std::string> Pools() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace barograph::server
