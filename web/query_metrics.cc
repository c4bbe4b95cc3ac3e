#include "web/query_metrics.h"

#include <array>
#include <string_view>

namespace barograph::web {
namespace {

SummaryMetric& Slice(MetricsRegistry& registry, std::string_view name) {
  static constexpr std::array kQuantiles = {0.5, 0.9, 0.99};
  return registry.AddSummary("prometheus_engine_query_duration_seconds", "Query timings.",
                             Labels{{"slice", name}}, kQuantiles);
}

}  // namespace

QueryMetrics::QueryMetrics(MetricsRegistry& registry, size_t concurrent_max)
    : queries_(registry.AddGauge("prometheus_engine_queries",
                                 "The current number of queries being executed.")),
      samples_(registry.AddCounter("prometheus_engine_query_samples_total",
                                   "The total number of samples loaded by all queries.")),
      samples_read_(registry.AddCounter(
          "prometheus_engine_query_samples_read_total",
          "The total number of samples read by all queries, those of overlapping windows once.")),
      queue_time_(Slice(registry, "queue_time")),
      prepare_time_(Slice(registry, "prepare_time")),
      inner_eval_(Slice(registry, "inner_eval")) {
  registry
      .AddGauge("prometheus_engine_queries_concurrent_max", "The max number of concurrent queries.")
      .Set(static_cast<double>(concurrent_max));
}

void QueryMetrics::Observe(const promql::QueryStats& stats, std::chrono::nanoseconds queued) const {
  samples_.Increment(static_cast<double>(stats.total_samples));
  samples_read_.Increment(static_cast<double>(stats.read_samples));
  queue_time_.Observe(std::chrono::duration<double>(queued).count());
  prepare_time_.Observe(stats.plan_seconds);
  inner_eval_.Observe(stats.exec_seconds);
}

}  // namespace barograph::web
