#pragma once

#include <string>

#include "base/metrics/registry.h"
#include "base/mutex.h"
#include "base/time.h"
#include "server/config/config.h"

namespace barograph::server {

/// Which configuration is in force, and how the last attempt to load one went. Thread-safe.
/// Metrics: prometheus_config_last_reload_successful, ..._success_timestamp_seconds.
class ConfigState {
 public:
  /// `clock` and `metrics` must outlive it.
  ConfigState(const Clock& clock, MetricsRegistry& metrics);

  void Applied(const Config& config);
  void Refused();

  std::string yaml() const;
  bool last_load_succeeded() const { return successful_.value() != 0; }
  Timestamp last_success() const;

 private:
  const Clock& clock_;
  Gauge& successful_;
  Gauge& success_seconds_;
  mutable Mutex mutex_;
  std::string yaml_ GUARDED_BY(mutex_);
  Timestamp last_success_ GUARDED_BY(mutex_);
};

}  // namespace barograph::server
