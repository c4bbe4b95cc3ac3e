#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "base/storage/appendable.h"
#include "tsdb/prometheus/head.h"

namespace barograph::server::cli {

struct PrometheusImport {
  uint64_t blocks = 0;
  AppendReport samples;
  tsdb::prometheus::HeadReport head;
  uint64_t problems = 0;  ///< each was told when it was met: something could not be read
};

/// Appends everything that a Prometheus data directory holds: its blocks, oldest first, and then
/// the head, which has the hours after them. What is broken is told, one line each, and left out.
/// The directory is only read. Unavailable when a running Prometheus has it; Io and the like when
/// storage fails. `tell` takes lines about progress and problems.
Result<PrometheusImport> ImportPrometheus(FileSystem& files, const std::string& directory,
                                          Appendable& storage,
                                          const std::function<void(std::string_view)>& tell);

}  // namespace barograph::server::cli
