#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/model/matcher.h"
#include "base/storage/queryable.h"
#include "base/time.h"

namespace barograph::server::cli {

struct PrometheusExportOptions {
  std::string directory;            ///< made where it is not there; blocks are added to it
  std::vector<Matchers> selectors;  ///< series that any of them matches
  TimeRange range;                  ///< both ends included
  Duration block_duration{std::chrono::hours(2)};  ///< above 0; blocks are aligned to it
};

struct PrometheusExport {
  uint64_t blocks = 0;
  uint64_t samples = 0;
  uint64_t starts = 0;  ///< samples whose start timestamps were left out
};

/// Writes what storage has as blocks that Prometheus and promtool read. Histograms are stored as
/// integer ones where all counts of the series are whole numbers. Start timestamps have no place in
/// those blocks: they are counted, and left out. Memory: the labels and postings
/// of one block's series. `tell` takes a line for each block.
Result<PrometheusExport> ExportPrometheus(const Queryable& storage, FileSystem& files,
                                          const Clock& clock,
                                          const PrometheusExportOptions& options,
                                          const std::function<void(std::string_view)>& tell);

}  // namespace barograph::server::cli
