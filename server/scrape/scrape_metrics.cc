#include "server/scrape/scrape_metrics.h"

#include <string_view>

#include "base/model/duration.h"

namespace barograph::server {
namespace {

constexpr std::string_view kTargets = "prometheus_target_scrape_pool_targets";
constexpr std::string_view kTargetLimit = "prometheus_target_scrape_pool_target_limit";
constexpr std::string_view kSeries = "barograph_target_scrape_pool_series";
constexpr std::string_view kSeriesLimit = "barograph_target_scrape_pool_series_limit";
constexpr std::string_view kSeriesRefused = "barograph_target_scrape_pool_series_refused_total";
constexpr std::string_view kSyncs = "prometheus_target_scrape_pool_sync_total";
constexpr std::string_view kSyncFailed = "prometheus_target_sync_failed_total";
constexpr std::string_view kSyncLength = "prometheus_target_sync_length_seconds";
constexpr std::string_view kMetadataEntries = "prometheus_target_metadata_cache_entries";
constexpr std::string_view kMetadataBytes = "prometheus_target_metadata_cache_bytes";

}  // namespace

ScrapeMetrics::ScrapeMetrics(MetricsRegistry& own)
    : registry(own),
      pools(own.AddCounter("prometheus_target_scrape_pools_total",
                           "Total number of scrape pool creation attempts.")),
      pools_failed(own.AddCounter("prometheus_target_scrape_pools_failed_total",
                                  "Total number of scrape pool creations that failed.")),
      pool_reloads(own.AddCounter("prometheus_target_scrape_pool_reloads_total",
                                  "Total number of scrape pool reloads.")),
      pool_exceeded_target_limit(
          own.AddCounter("prometheus_target_scrape_pool_exceeded_target_limit_total",
                         "Total number of times scrape pools hit the target limit, during sync or "
                         "config reload.")),
      pool_exceeded_label_limits(
          own.AddCounter("prometheus_target_scrape_pool_exceeded_label_limits_total",
                         "Total number of scrapes that hit a label limit and were rejected.")),
      exceeded_body_size_limit(
          own.AddCounter("prometheus_target_scrapes_exceeded_body_size_limit_total",
                         "Total number of scrapes that hit the body size limit")),
      exceeded_sample_limit(
          own.AddCounter("prometheus_target_scrapes_exceeded_sample_limit_total",
                         "Total number of scrapes that hit the sample limit and were rejected.")),
      duplicate_timestamp(
          own.AddCounter("prometheus_target_scrapes_sample_duplicate_timestamp_total",
                         "Total number of samples rejected due to duplicate timestamps but "
                         "different values.")),
      out_of_order(own.AddCounter(
          "prometheus_target_scrapes_sample_out_of_order_total",
          "Total number of samples rejected due to not being out of the expected order.")),
      out_of_bounds(own.AddCounter("prometheus_target_scrapes_sample_out_of_bounds_total",
                                   "Total number of samples rejected due to timestamp falling "
                                   "outside of the time bounds.")),
      exemplars_out_of_order(
          own.AddCounter("prometheus_target_scrapes_exemplar_out_of_order_total",
                         "Total number of exemplar rejected due to not being out of the expected "
                         "order.")),
      refused_series(
          own.AddCounter("barograph_target_scrapes_series_refused_total",
                         "Total number of samples of new series that storage had no room for.")) {}

SummaryMetric& ScrapeMetrics::IntervalLength(Duration interval) const {
  const std::string text = FormatGoDuration(interval);
  return registry.AddSummary("prometheus_target_interval_length_seconds",
                             "Actual intervals between scrapes.", {{"interval", text}});
}

PoolMetrics::PoolMetrics(MetricsRegistry& registry, const std::string& job,
                         const std::shared_ptr<MetadataPool>& metadata,
                         const std::shared_ptr<PoolSeries>& series)
    : registry_(registry),
      labels_({{"scrape_job", job}}),
      targets(
          registry.AddGauge(kTargets, "Current number of targets in this scrape pool.", labels_)),
      target_limit(registry.AddGauge(
          kTargetLimit, "Maximum number of targets allowed in this scrape pool.", labels_)),
      series_limit(registry.AddGauge(
          kSeriesLimit, "Maximum number of series of all targets in this scrape pool, 0 is none.",
          labels_)),
      syncs(registry.AddCounter(
          kSyncs, "Total number of syncs that were executed on a scrape pool.", labels_)),
      sync_failed(
          registry.AddCounter(kSyncFailed, "Total number of target sync failures.", labels_)),
      sync_length(
          registry.AddSummary(kSyncLength, "Actual interval to sync the scrape pool.", labels_)) {
  registry.AddGaugeFunction(
      kMetadataEntries, "Total number of metric metadata entries in the cache",
      [metadata] { return static_cast<double>(metadata->families.load()); }, labels_);
  registry.AddGaugeFunction(
      kSeries, "Current number of series of the targets in this scrape pool.",
      [series] { return static_cast<double>(series->count.load()); }, labels_);
  registry.AddCounterFunction(
      kSeriesRefused,
      "Total number of samples of new series that series_limit or storage had no room for.",
      [series] { return static_cast<double>(series->refused.load()); }, labels_);
  registry.AddGaugeFunction(
      kMetadataBytes,
      "The number of bytes that are currently used for storing metric metadata in the cache",
      [metadata] { return static_cast<double>(metadata->bytes.load()); }, labels_);
}

PoolMetrics::~PoolMetrics() {
  for (const auto name : {kTargets, kTargetLimit, kSeries, kSeriesLimit, kSeriesRefused, kSyncs,
                          kSyncFailed, kSyncLength, kMetadataEntries, kMetadataBytes}) {
    registry_.Remove(name, labels_);
  }
}

}  // namespace barograph::server
