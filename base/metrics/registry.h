#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/model/labels.h"
#include "base/time.h"

/// The server's own metrics: counters, gauges, histograms and summaries, exposed on /metrics in
/// the text format under Prometheus's names. Updating one is a relaxed atomic operation; looking
/// one up by labels takes a lock, so keep the reference.
namespace barograph {

/// Only goes up. Thread-safe.
class Counter {
 public:
  void Increment(double by = 1) { value_.fetch_add(by, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

/// Goes up and down. Thread-safe.
class Gauge {
 public:
  void Set(double value) { value_.store(value, std::memory_order_relaxed); }
  void Increment(double by = 1) { value_.fetch_add(by, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

/// A classic histogram over fixed upper bounds. Thread-safe.
class HistogramMetric {
 public:
  explicit HistogramMetric(std::vector<double> bounds);
  void Observe(double value);

  struct Snapshot {
    std::vector<double> bounds;    ///< ascending, without +Inf
    std::vector<uint64_t> counts;  ///< cumulative; one more than bounds, the last is the count
    double sum = 0;
  };
  Snapshot Take() const;

 private:
  std::vector<double> bounds_;
  std::unique_ptr<std::atomic<uint64_t>[]> counts_;
  std::atomic<double> sum_{0};
};

/// The quantiles of a summary, when it is not told others.
inline constexpr double kDefaultQuantiles[] = {0.01, 0.05, 0.5, 0.9, 0.99};

/// A summary: quantiles over about the last ten minutes, from bounded memory. The window is five
/// parts of two minutes; of each part up to 512 observations are kept, chosen at random, so that a
/// quantile is always a value that was observed. Thread-safe.
class SummaryMetric {
 public:
  explicit SummaryMetric(std::span<const double> quantiles = kDefaultQuantiles,
                         const Clock& clock = SystemClock());
  ~SummaryMetric();
  void Observe(double value);

  struct Snapshot {
    std::vector<std::pair<double, double>> quantiles;  ///< NaN while there is nothing
    uint64_t count = 0;
    double sum = 0;
  };
  Snapshot Take() const;

 private:
  struct Window;
  std::unique_ptr<Window> window_;
};

/// Holds families of metrics by name. Thread-safe. References it gives live as long as it does,
/// or until the child is removed.
class MetricsRegistry {
 public:
  MetricsRegistry();
  ~MetricsRegistry();

  /// The child of family `name` with `labels`, made at the first call. The first call for a name
  /// fixes its help and type; a later one with another type is a programming error and ends the
  /// process.
  Counter& AddCounter(std::string_view name, std::string_view help, const Labels& labels = {});
  Gauge& AddGauge(std::string_view name, std::string_view help, const Labels& labels = {});
  HistogramMetric& AddHistogram(std::string_view name, std::string_view help,
                                std::vector<double> bounds, const Labels& labels = {});
  SummaryMetric& AddSummary(std::string_view name, std::string_view help, const Labels& labels = {},
                            std::span<const double> quantiles = kDefaultQuantiles);

  /// Metrics whose value is asked for when they are exposed. `read` must be thread-safe and quick,
  /// must not use the registry, and what it reads must live until Remove or the registry's end. A
  /// second call with the same name and labels takes the place of the first.
  void AddGaugeFunction(std::string_view name, std::string_view help, std::function<double()> read,
                        const Labels& labels = {});
  void AddCounterFunction(std::string_view name, std::string_view help,
                          std::function<double()> read, const Labels& labels = {});

  /// Forgets the child, as when a scrape pool is removed.
  void Remove(std::string_view name, const Labels& labels);

  /// All families in name order in the text format 0.0.4.
  std::string Expose() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// process_cpu_seconds_total, process_resident_memory_bytes, process_open_fds, process_max_fds,
/// process_start_time_seconds, process_virtual_memory_bytes and the like, read from /proc.
void AddProcessMetrics(MetricsRegistry& registry);

}  // namespace barograph
