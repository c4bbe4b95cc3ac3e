#pragma once

#include <string>
#include <vector>

#include "base/log.h"

namespace barograph::server {

/// The names of --enable-feature that change what this server does.
struct Features {
  bool delayed_name_removal = false;
  bool exemplar_storage = false;
  bool extra_scrape_metrics = false;
  bool auto_reload = false;
  bool st_storage = false;            ///< start timestamps that come with samples are stored
  bool zeros_at_starts = false;       ///< a zero is stored where a sample began
  bool use_start_timestamps = false;  ///< rate() and its kin look at them
};

/// Reads comma-separated names. What is always on is accepted; what is not there yet, and what is
/// unknown, is warned about, as Prometheus does, so that a command line from elsewhere still
/// starts.
Features ParseFeatures(const std::vector<std::string>& lists, const Logger& logger);

}  // namespace barograph::server
