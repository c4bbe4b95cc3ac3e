#pragma once

#include <vector>

#include "base/log.h"
#include "base/metrics/registry.h"
#include "discovery/manager.h"
#include "server/config/config.h"

namespace barograph::server {

/// The discovery that the jobs ask for. Fingerprints tell apart what has to be started anew after
/// a reload. `metrics` must outlive the providers.
discovery::JobProviders ProvidersOf(const std::vector<ScrapeConfig>& jobs, const Logger& logger,
                                    MetricsRegistry& metrics);

}  // namespace barograph::server
