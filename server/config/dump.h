#pragma once

#include <string>

#include "server/config/config.h"

namespace barograph::server {

/// The configuration as YAML with every default filled in, in the layout of Prometheus's
/// /api/v1/status/config.
std::string DumpConfig(const Config& config);

}  // namespace barograph::server
