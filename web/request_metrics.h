#pragma once

#include "base/metrics/registry.h"
#include "base/time.h"
#include "web/router.h"

namespace barograph::web {

/// Counts and times requests by the pattern of their route: prometheus_http_requests_total,
/// prometheus_http_request_duration_seconds and prometheus_http_response_size_bytes. Thread-safe.
class RequestMetrics {
 public:
  /// Both must outlive the handlers that it makes.
  RequestMetrics(MetricsRegistry& registry, const Clock& clock)
      : registry_(registry), clock_(clock) {}

  /// The same handler, measured under the label `name`.
  Router::Handler Measure(const std::string& name, Router::Handler handler) const;

 private:
  MetricsRegistry& registry_;
  const Clock& clock_;
};

}  // namespace barograph::web
