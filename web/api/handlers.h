#pragma once

#include "base/storage/admin.h"
#include "base/storage/exemplars.h"
#include "base/storage/queryable.h"
#include "base/storage/statistics.h"
#include "base/time.h"
#include "promql/engine.h"
#include "web/api/api_result.h"
#include "web/queries/query_tracker.h"
#include "web/query_metrics.h"
#include "web/server_state.h"
#include "web/web.h"

/// The endpoints of /api/v1, each a plain function from request to result (Prometheus, "HTTP API").
/// Thread-safe; those that ask the storage or the engine may take long, and heed the stop token.
namespace barograph::web {

/// What the endpoints work on.
struct ApiContext {
  const Queryable& storage;
  const ExemplarQueryable& exemplars;
  const StatisticsSource& statistics;
  const promql::Engine& engine;
  ServerState& state;
  const QueryMetrics& query_metrics;
  QueryTracker& queries;
  const Clock& clock;
  BuildInfo build;
  StorageAdmin* admin;  ///< null where the admin endpoints are off
};

// query_handlers.cc
ApiResult HandleQuery(const ApiContext& context, const ApiRequest& request);
ApiResult HandleQueryRange(const ApiContext& context, const ApiRequest& request);
/// An extension: the plan of a query with estimates.
ApiResult HandleExplainQuery(const ApiContext& context, const ApiRequest& request);

// exemplar_handlers.cc
ApiResult HandleQueryExemplars(const ApiContext& context, const ApiRequest& request);

// running_queries_handlers.cc
/// Extensions: the queries that run and the slowest of late; one of those that run is ended.
ApiResult HandleQueries(const ApiContext& context, const ApiRequest& request);
ApiResult HandleCancelQuery(const ApiContext& context, const ApiRequest& request);

// expression_handlers.cc
ApiResult HandleFormatQuery(const ApiContext& context, const ApiRequest& request);
ApiResult HandleParseQuery(const ApiContext& context, const ApiRequest& request);

// label_handlers.cc
ApiResult HandleLabels(const ApiContext& context, const ApiRequest& request);
ApiResult HandleLabelValues(const ApiContext& context, const ApiRequest& request);
ApiResult HandleSeries(const ApiContext& context, const ApiRequest& request);

// target_handlers.cc
ApiResult HandleTargets(const ApiContext& context, const ApiRequest& request);
ApiResult HandleScrapePools(const ApiContext& context, const ApiRequest& request);

// metadata_handlers.cc
ApiResult HandleTargetsMetadata(const ApiContext& context, const ApiRequest& request);
ApiResult HandleMetadata(const ApiContext& context, const ApiRequest& request);

// admin_handlers.cc
ApiResult HandleDeleteSeries(const ApiContext& context, const ApiRequest& request);
ApiResult HandleCleanTombstones(const ApiContext& context, const ApiRequest& request);
ApiResult HandleSnapshot(const ApiContext& context, const ApiRequest& request);

// status_handlers.cc
ApiResult HandleConfig(const ApiContext& context, const ApiRequest& request);
ApiResult HandleFlags(const ApiContext& context, const ApiRequest& request);
ApiResult HandleTsdbStatus(const ApiContext& context, const ApiRequest& request);
ApiResult HandleTsdbBlocks(const ApiContext& context, const ApiRequest& request);
ApiResult HandleRuntimeInfo(const ApiContext& context, const ApiRequest& request);
ApiResult HandleBuildInfo(const ApiContext& context, const ApiRequest& request);
/// The object of /version, which is also the data of status/buildinfo.
std::string BuildInfoJson(const BuildInfo& build);

}  // namespace barograph::web
