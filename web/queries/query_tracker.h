#pragma once

#include <cstdint>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/time.h"
#include "promql/engine.h"
#include "web/queries/active_queries.h"
#include "web/queries/query_info.h"
#include "web/queries/query_log.h"

namespace barograph::web {

struct RunningQuery {
  uint64_t id = 0;
  QueryInfo info;  ///< of a very long query, the begin
  Timestamp started;
  double seconds = 0;      ///< so far
  bool cancelled = false;  ///< told to end
};

struct EndedQuery {
  uint64_t id = 0;
  QueryInfo info;
  Timestamp started;
  double seconds = 0;
  QueryEnd end;
};

/// Every query runs through here, and so can be seen, cancelled, logged, and found after a crash.
/// Thread-safe.
class QueryTracker {
 public:
  /// `log` and `active` may be null. All must outlive this.
  QueryTracker(const promql::Engine& engine, const Clock& clock, QueryLog* log,
               ActiveQueries* active);

  /// Engine::Run of `info`. The settings' stop token, and Cancel, end it.
  Result<promql::QueryResult> Run(const QueryInfo& info, const Queryable& storage,
                                  promql::QuerySettings settings);

  /// Those that run now, the oldest first.
  std::vector<RunningQuery> Running() const;

  /// Of the last hour, up to 32 that took longest, the slowest first.
  std::vector<EndedQuery> Slowest() const;

  /// Tells a query to end; false where none of that id runs.
  bool Cancel(uint64_t id);

 private:
  struct Entry {
    RunningQuery query;
    std::chrono::nanoseconds began{0};
    std::stop_source stop;
  };

  class Ticket;
  uint64_t Begin(const QueryInfo& info, const std::stop_source& stop);
  void Forget(uint64_t id);
  QueryEnd Keep(uint64_t id, const Result<promql::QueryResult>& result);

  const promql::Engine& engine_;
  const Clock& clock_;
  QueryLog* const log_;
  ActiveQueries* const active_;

  mutable Mutex mutex_;
  uint64_t last_id_ GUARDED_BY(mutex_) = 0;
  std::map<uint64_t, Entry> running_ GUARDED_BY(mutex_);
  std::vector<EndedQuery> slowest_ GUARDED_BY(mutex_);  // the slowest first
};

}  // namespace barograph::web
