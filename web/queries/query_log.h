#pragma once

#include <memory>
#include <string>

#include "base/file_system.h"
#include "base/log.h"
#include "base/metrics/registry.h"
#include "base/mutex.h"
#include "base/time.h"
#include "web/queries/query_info.h"

namespace barograph::web {

/// The query log (global.query_log_file): a line of JSON for each query that was run, with the
/// fields that Prometheus writes, but for `source`. Shown by prometheus_engine_query_log_enabled
/// and prometheus_engine_query_log_failures_total. Thread-safe.
class QueryLog {
 public:
  QueryLog(FileSystem& files, const Clock& clock, MetricsRegistry& metrics, Logger logger);

  /// Goes on at the end of the file at `path`, which is opened anew even where it was open, so that
  /// a file that was moved away is let go. An empty path ends the log. Io changes nothing.
  Status Open(const std::string& path);

  /// Nothing where no file is open. A failure is counted; the first of a row is also logged.
  void Write(const QueryInfo& info, const QueryEnd& end);

 private:
  FileSystem& files_;
  const Clock& clock_;
  const Logger logger_;
  Gauge& enabled_;
  Counter& failures_;

  Mutex mutex_;
  std::unique_ptr<WritableFile> file_ GUARDED_BY(mutex_);
  bool failing_ GUARDED_BY(mutex_) = false;
};

}  // namespace barograph::web
