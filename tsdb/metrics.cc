#include "tsdb/metrics.h"

namespace barograph::tsdb {
namespace {

const Labels& FloatType() {
  static const Labels labels{{"type", "float"}};
  return labels;
}

const Labels& HistogramType() {
  static const Labels labels{{"type", "histogram"}};
  return labels;
}

}  // namespace

Metrics::Metrics(MetricsRegistry& r)
    : head_series(r.AddGauge("prometheus_tsdb_head_series", "Series in the head.")),
      series_created(r.AddCounter("prometheus_tsdb_head_series_created_total",
                                  "Series that were created in the head.")),
      series_removed(r.AddCounter("prometheus_tsdb_head_series_removed_total",
                                  "Series that were removed from the head.")),
      series_refused(r.AddCounter("barograph_tsdb_series_refused_total",
                                  "Times that a new series was refused for want of memory.")),
      samples_appended(r.AddCounter("prometheus_tsdb_head_samples_appended_total",
                                    "Samples that were appended.", FloatType())),
      histograms_appended(r.AddCounter("prometheus_tsdb_head_samples_appended_total",
                                       "Samples that were appended.", HistogramType())),
      out_of_order(r.AddCounter("prometheus_tsdb_out_of_order_samples_total",
                                "Samples refused for being older than their series' newest.",
                                FloatType())),
      too_old(r.AddCounter("prometheus_tsdb_too_old_samples_total",
                           "Samples refused for being older than the out-of-order window.",
                           FloatType())),
      out_of_bounds(r.AddCounter("prometheus_tsdb_out_of_bound_samples_total",
                                 "Samples refused for being outside the accepted times.",
                                 FloatType())),
      duplicates(r.AddCounter("barograph_tsdb_duplicate_samples_total",
                              "Samples refused for having another value than the one stored.",
                              FloatType())),
      chunks(r.AddGauge("prometheus_tsdb_head_chunks", "Chunks in the head.")),
      chunks_created(r.AddCounter("prometheus_tsdb_head_chunks_created_total",
                                  "Chunks that were created in the head.")),
      min_time(r.AddGauge("prometheus_tsdb_head_min_time",
                          "The oldest timestamp in the head, in milliseconds.")),
      max_time(r.AddGauge("prometheus_tsdb_head_max_time",
                          "The newest timestamp in the head, in milliseconds.")),
      lowest_timestamp(r.AddGauge("prometheus_tsdb_lowest_timestamp",
                                  "The oldest timestamp stored, in milliseconds.")),
      lowest_timestamp_seconds(r.AddGauge("prometheus_tsdb_lowest_timestamp_seconds",
                                          "The oldest timestamp stored, in seconds.")),
      replay_seconds(r.AddGauge("prometheus_tsdb_data_replay_duration_seconds",
                                "How long the last replay of the log took.")),
      fsync_seconds(r.AddSummary("prometheus_tsdb_wal_fsync_duration_seconds",
                                 "How long the log's fsyncs take.")),
      wal_writes_failed(r.AddCounter("prometheus_tsdb_wal_writes_failed_total",
                                     "Writes to the log that failed.")),
      wal_corruptions(r.AddCounter("prometheus_tsdb_wal_corruptions_total",
                                   "Damaged places that were found in the log.")),
      wal_truncations(r.AddCounter("prometheus_tsdb_wal_truncations_total",
                                   "Times that the log's end was cut back to its last record.")),
      wal_segment(r.AddGauge("prometheus_tsdb_wal_segment_current",
                             "The number of the segment being written.")),
      wal_bytes(r.AddGauge("prometheus_tsdb_wal_storage_size_bytes", "The size of the log.")),
      head_truncations(r.AddCounter("prometheus_tsdb_head_truncations_total",
                                    "Times that old samples moved from the head to blocks.")),
      compactions(r.AddCounter("prometheus_tsdb_compactions_total", "Merges of blocks begun.")),
      compactions_failed(r.AddCounter("prometheus_tsdb_compactions_failed_total",
                                      "Cuts of the head and merges of blocks that failed.")),
      blocks_loaded(r.AddGauge("prometheus_tsdb_blocks_loaded", "Blocks that are served.")),
      blocks_damaged(r.AddGauge("barograph_tsdb_blocks_damaged",
                                "Blocks that are set aside because they cannot be read.")),
      head_damages(r.AddCounter("barograph_tsdb_head_damaged_parts_total",
                                "Damaged parts that were found in the head's files.")),
      blocks_bytes(
          r.AddGauge("prometheus_tsdb_storage_blocks_bytes", "Bytes of all blocks on the disk.")),
      index_rebuilds(r.AddCounter("barograph_tsdb_index_rebuilds_total",
                                  "Times that the series index was damaged or lost, and was made "
                                  "anew.")),
      index_damages(r.AddCounter("barograph_tsdb_index_damaged_reads_total",
                                 "Times that the series index was found damaged while in use: a "
                                 "restart makes it anew.")),
      time_retentions(r.AddCounter("prometheus_tsdb_time_retentions_total",
                                   "Blocks removed for being older than the retention.")),
      size_retentions(r.AddCounter("prometheus_tsdb_size_retentions_total",
                                   "Blocks removed because the storage was over its size.")),
      retention_seconds(r.AddGauge("prometheus_tsdb_retention_limit_seconds",
                                   "How long samples are kept; 0 is for ever.")),
      retention_bytes(r.AddGauge("prometheus_tsdb_retention_limit_bytes",
                                 "How much the storage may take; 0 is no limit.")),
      retention_percentage(
          r.AddGauge("prometheus_tsdb_retention_limit_percentage",
                     "How much of the disk the storage may take, in percent; 0 is no limit.")),
      exemplars_appended(r.AddCounter("prometheus_tsdb_exemplar_exemplars_appended_total",
                                      "Exemplars that were appended.")),
      exemplars(
          r.AddGauge("prometheus_tsdb_exemplar_exemplars_in_storage", "Exemplars that are kept.")),
      exemplar_series(r.AddGauge("prometheus_tsdb_exemplar_series_with_exemplars_in_storage",
                                 "Series that have exemplars.")),
      first_exemplar_seconds(
          r.AddGauge("prometheus_tsdb_exemplar_last_exemplars_timestamp_seconds",
                     "The time of the exemplar that goes when the next one comes, in seconds.")),
      max_exemplars(r.AddGauge("prometheus_tsdb_exemplar_max_exemplars",
                               "How many exemplars are kept at most.")),
      exemplars_out_of_order(
          r.AddCounter("prometheus_tsdb_exemplar_out_of_order_exemplars_total",
                       "Exemplars refused for being older than their series' newest.")),
      exemplar_log_segment(r.AddGauge("barograph_tsdb_exemplar_log_segment_current",
                                      "The number of the exemplar log's segment being written.")),
      exemplar_log_bytes(r.AddGauge("barograph_tsdb_exemplar_log_storage_size_bytes",
                                    "The size of the log of exemplars.")) {}

}  // namespace barograph::tsdb
