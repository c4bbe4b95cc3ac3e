#include "server/config_state.h"

namespace barograph::server {

ConfigState::ConfigState(const Clock& clock, MetricsRegistry& metrics)
    : clock_(clock),
      successful_(
          metrics.AddGauge("prometheus_config_last_reload_successful",
                           "Whether the last configuration reload attempt was successful.")),
      success_seconds_(metrics.AddGauge("prometheus_config_last_reload_success_timestamp_seconds",
                                        "Timestamp of the last successful configuration reload.")) {
}

void ConfigState::Applied(const Config& config) {
  const Timestamp now = clock_.Now();
  const MutexLock lock(mutex_);
  yaml_ = config.yaml;
  last_success_ = now;
  successful_.Set(1);
  success_seconds_.Set(ToSeconds(now));
}

void ConfigState::Refused() { successful_.Set(0); }

std::string ConfigState::yaml() const {
  const MutexLock lock(mutex_);
  return yaml_;
}

Timestamp ConfigState::last_success() const {
  const MutexLock lock(mutex_);
  return last_success_;
}

}  // namespace barograph::server
