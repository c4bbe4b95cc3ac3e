#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/model/labels.h"
#include "base/result.h"
#include "base/time.h"

/// What the HTTP API shows of the rest of the server, behind an interface that the process
/// implements, so that web/ does not include it.
namespace barograph::web {

enum class TargetHealth : uint8_t { kUnknown, kUp, kDown };

struct ActiveTarget {
  Labels discovered_labels;  ///< before relabelling
  Labels labels;             ///< as on its series
  std::string scrape_pool;   ///< the job
  std::string scrape_url;
  std::string global_url;  ///< the URL with a loopback host replaced by the machine's name
  std::string last_error;
  Timestamp last_scrape;           ///< the Unix epoch when there was none
  double last_scrape_seconds = 0;  ///< how long it took
  TargetHealth health = TargetHealth::kUnknown;
  Duration scrape_interval{0};
  Duration scrape_timeout{0};
};

struct DroppedTarget {
  Labels discovered_labels;
  std::string scrape_pool;
};

struct TargetsSnapshot {
  std::vector<ActiveTarget> active;
  std::vector<DroppedTarget> dropped;
  std::map<std::string, size_t> dropped_counts;  ///< by scrape pool
};

/// One metric's TYPE, HELP and UNIT as a target exposes them.
struct MetricMetadata {
  std::string metric;
  std::string
      type;  ///< counter, gauge, histogram, gaugehistogram, summary, info, stateset, unknown
  std::string help;
  std::string unit;
  Labels target;  ///< empty where a remote write sender told of it
};

/// How near the bounds of memory and of series are.
struct SeriesLimits {
  struct Job {
    std::string job;
    uint64_t series = 0;   ///< of its targets together
    uint64_t limit = 0;    ///< series_limit; 0 is none
    uint64_t refused = 0;  ///< as barograph_target_scrape_pool_series_refused_total
  };
  uint64_t memory_limit_bytes = 0;  ///< 0 is none
  uint64_t memory_used_bytes = 0;
  std::vector<Job> jobs;  ///< by name
};

struct RuntimeInfo {
  Timestamp start_time;
  std::string working_directory;
  std::string hostname;
  bool reload_config_success = true;
  Timestamp last_config_time;
  uint64_t corruption_count = 0;
  size_t threads = 0;
  std::string storage_retention;
};

/// Thread-safe. Snapshots are copies.
class ServerState {
 public:
  virtual ~ServerState() = default;

  virtual TargetsSnapshot Targets() const = 0;
  /// Every target's metadata, and what remote write senders told; by metric, then target.
  virtual std::vector<MetricMetadata> Metadata() const = 0;
  virtual std::string ConfigYaml() const = 0;
  /// Flag name (without dashes) to value.
  virtual std::map<std::string, std::string> Flags() const = 0;
  virtual RuntimeInfo Runtime() const = 0;
  virtual SeriesLimits Limits() const = 0;

  virtual bool ready() const = 0;
  /// Own metrics in the text format 0.0.4.
  virtual std::string OwnMetrics() const = 0;

  /// Reads the configuration again. Blocks until it is applied or refused.
  virtual Status Reload() = 0;
  /// Starts a graceful stop and returns.
  virtual void Quit() = 0;
};

}  // namespace barograph::web
