#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "base/storage/appendable.h"
#include "base/storage/exemplars.h"
#include "tsdb/prometheus/head.h"

namespace barograph::server::cli {

struct PrometheusImport {
  uint64_t blocks = 0;
  AppendReport samples;
  uint64_t exemplars = 0;          ///< that are stored now, or were before
  uint64_t refused_exemplars = 0;  ///< too long, not UTF-8, or older than others of their series
  tsdb::prometheus::HeadReport head;
  uint64_t problems = 0;  ///< each was told when it was met: something could not be read
};

/// Appends everything that a Prometheus data directory holds: its blocks, oldest first, and then
/// the head, which has the hours after them, and the exemplars of its log. What is broken is told,
/// one line each, and left out. The directory is only read. Unavailable when a running Prometheus
/// has it; Io and the like when storage fails. `tell` takes lines about progress and problems.
Result<PrometheusImport> ImportPrometheus(FileSystem& files, const std::string& directory,
                                          Appendable& storage, ExemplarAppendable& exemplars,
                                          const std::function<void(std::string_view)>& tell);

}  // namespace barograph::server::cli
