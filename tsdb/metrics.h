#pragma once

#include "base/metrics/registry.h"

namespace barograph::tsdb {

/// Those of one log.
struct LogMetrics {
  Gauge& segment;
  Gauge& bytes;
  Counter& writes_failed;
  SummaryMetric& fsync_seconds;
};

/// The storage's own metrics, under Prometheus's names. References into a registry that outlives
/// this.
struct Metrics {
  explicit Metrics(MetricsRegistry& registry);

  Gauge& head_series;
  Counter& series_created;
  Counter& series_removed;
  Counter& series_refused;
  Counter& samples_appended;  ///< floats
  Counter& histograms_appended;
  Counter& out_of_order;
  Counter& too_old;
  Counter& out_of_bounds;
  Counter& duplicates;
  Gauge& chunks;
  Counter& chunks_created;
  Gauge& min_time;
  Gauge& max_time;
  Gauge& lowest_timestamp;
  Gauge& lowest_timestamp_seconds;
  Gauge& replay_seconds;
  SummaryMetric& fsync_seconds;
  Counter& wal_writes_failed;
  Counter& wal_corruptions;
  Counter& wal_truncations;
  Gauge& wal_segment;
  Gauge& wal_bytes;
  Counter& head_truncations;
  Counter& compactions;
  Counter& compactions_failed;
  Gauge& blocks_loaded;
  Gauge& blocks_damaged;
  Counter& head_damages;
  Gauge& blocks_bytes;
  Counter& index_rebuilds;
  Counter& index_damages;
  Counter& time_retentions;
  Counter& size_retentions;
  Gauge& retention_seconds;
  Gauge& retention_bytes;
  Gauge& retention_percentage;
  Counter& exemplars_appended;
  Gauge& exemplars;
  Gauge& exemplar_series;
  Gauge& first_exemplar_seconds;
  Gauge& max_exemplars;
  Counter& exemplars_out_of_order;
  Gauge& exemplar_log_segment;
  Gauge& exemplar_log_bytes;

  LogMetrics OfLog() { return {wal_segment, wal_bytes, wal_writes_failed, fsync_seconds}; }
  LogMetrics OfExemplarLog() {
    return {exemplar_log_segment, exemplar_log_bytes, wal_writes_failed, fsync_seconds};
  }
};

}  // namespace barograph::tsdb
