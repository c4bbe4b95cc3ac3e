#pragma once

#include <chrono>

#include "base/metrics/registry.h"
#include "promql/engine.h"

namespace barograph::web {

/// Counts and times the queries that the API answers: prometheus_engine_queries,
/// prometheus_engine_queries_concurrent_max, prometheus_engine_query_samples_total and
/// prometheus_engine_query_duration_seconds by slice. Thread-safe.
class QueryMetrics {
 public:
  /// `concurrent_max` is --query.max-concurrency. The registry must outlive this.
  QueryMetrics(MetricsRegistry& registry, size_t concurrent_max);

  /// A query that runs, for as long as this lives.
  class Running {
   public:
    explicit Running(const QueryMetrics& metrics) : queries_(metrics.queries_) {
      queries_.Increment();
    }
    ~Running() { queries_.Increment(-1); }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

   private:
    Gauge& queries_;
  };

  /// A query that was answered, and how long it had waited for its turn.
  void Observe(const promql::QueryStats& stats, std::chrono::nanoseconds queued) const;

 private:
  Gauge& queries_;
  Counter& samples_;
  Counter& samples_read_;
  SummaryMetric& queue_time_;
  SummaryMetric& prepare_time_;
  SummaryMetric& inner_eval_;
};

}  // namespace barograph::web
