#pragma once

#include <memory>
#include <string>

#include "base/metrics/registry.h"
#include "base/time.h"
#include "server/scrape/metadata_pool.h"
#include "server/scrape/series_quota.h"

/// What scraping tells of itself, under Prometheus's names.
namespace barograph::server {

/// The metrics that all pools share. Thread-safe; the registry must outlive it.
struct ScrapeMetrics {
  explicit ScrapeMetrics(MetricsRegistry& registry);

  /// prometheus_target_interval_length_seconds{interval="15s"}
  SummaryMetric& IntervalLength(Duration interval) const;

  MetricsRegistry& registry;
  Counter& pools;
  Counter& pools_failed;
  Counter& pool_reloads;
  Counter& pool_exceeded_target_limit;
  Counter& pool_exceeded_label_limits;
  Counter& exceeded_body_size_limit;
  Counter& exceeded_sample_limit;
  Counter& duplicate_timestamp;
  Counter& out_of_order;
  Counter& out_of_bounds;
  Counter& exemplars_out_of_order;
  Counter& refused_series;  ///< barograph_: storage took no new series
};

/// Those of one pool; they go when it does.
class PoolMetrics {
 public:
  PoolMetrics(MetricsRegistry& registry, const std::string& job,
              const std::shared_ptr<MetadataPool>& metadata,
              const std::shared_ptr<PoolSeries>& series);
  ~PoolMetrics();
  PoolMetrics(const PoolMetrics&) = delete;
  PoolMetrics& operator=(const PoolMetrics&) = delete;

 private:
  MetricsRegistry& registry_;
  Labels labels_;

 public:
  Gauge& targets;
  Gauge& target_limit;
  Gauge& series_limit;  ///< barograph_
  Counter& syncs;
  Counter& sync_failed;
  SummaryMetric& sync_length;
};

}  // namespace barograph::server
