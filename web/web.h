#pragma once

#include <string>

#include "base/metrics/registry.h"
#include "base/result.h"
#include "base/storage/admin.h"
#include "base/storage/exemplars.h"
#include "base/storage/queryable.h"
#include "base/storage/statistics.h"
#include "base/thread_pool.h"
#include "base/time.h"
#include "net/http_server.h"
#include "promql/engine.h"
#include "web/queries/query_tracker.h"
#include "web/server_state.h"

/// The HTTP face of the server: the API under /api/v1, the pages, /metrics and /-/.
namespace barograph::web {

struct BuildInfo {
  std::string version;
  std::string revision;
  std::string branch;
  std::string build_user;
  std::string build_date;
  std::string compiler;  ///< in the place of Prometheus's goVersion
};

struct WebOptions {
  std::string external_url;  ///< --web.external-url; may be empty
  std::string route_prefix;  ///< --web.route-prefix; empty is the path of external_url
  std::string page_title = "Barograph";
  std::string cors_origin = ".*";  ///< a regular expression, anchored
  bool enable_lifecycle = false;   ///< /-/reload and /-/quit
  size_t query_concurrency = 20;   ///< --query.max-concurrency, for its metric
  BuildInfo build;
};

/// What the handler works on. All of it must outlive the handler and its running requests.
struct WebDependencies {
  const Queryable& storage;
  const ExemplarQueryable& exemplars;
  const StatisticsSource& statistics;
  const promql::Engine& engine;
  QueryTracker& queries;
  ServerState& state;
  MetricsRegistry& metrics;

  /// Where queries run; as many at once as it has threads (--query.max-concurrency). Everything
  /// else that may take long runs on threads of the handler's own, so that full queues of queries
  /// do not keep anyone from /metrics or /-/reload.
  ThreadPool& query_threads;
  const Clock& clock;

  StorageAdmin* admin = nullptr;  ///< null where --web.enable-admin-api is not set

  /// Of /api/v1/write; empty where --web.enable-remote-write-receiver is not set.
  net::HttpHandler remote_write = nullptr;
};

/// The handler to give to net::HttpServer. Thread-safe. InvalidArgument when an option is wrong.
Result<net::HttpHandler> MakeHandler(WebOptions options, WebDependencies dependencies);

}  // namespace barograph::web
