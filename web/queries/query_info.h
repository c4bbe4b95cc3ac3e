#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/time.h"
#include "promql/engine.h"

namespace barograph::web {

/// A query as it was asked, and by whom.
struct QueryInfo {
  std::string query;
  promql::QueryTimes times;
  std::chrono::nanoseconds queued{0};  ///< how long it waited for a thread
  std::string client;                  ///< the address, without port
  std::string method;
  std::string path;
};

/// A query that has ended.
struct QueryEnd {
  promql::QueryStats stats;  ///< of one that failed, only how long it took
  std::string error;         ///< empty where it was answered
};

}  // namespace barograph::web
