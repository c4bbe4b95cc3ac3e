#include "web/queries/query_tracker.h"

#include <algorithm>
#include <utility>

#include "web/queries/shorten.h"

namespace barograph::web {
namespace {

constexpr size_t kMaxShownBytes = 4096;  // of a query
constexpr size_t kMaxSlowest = 32;
constexpr std::chrono::hours kSlowestKept{1};

double Seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

QueryInfo Shown(const QueryInfo& info) {
  return {.query = std::string(Shorten(info.query, kMaxShownBytes)),
          .times = info.times,
          .queued = info.queued,
          .client = info.client,
          .method = info.method,
          .path = info.path};
}

QueryEnd EndOf(const Result<promql::QueryResult>& result, double seconds) {
  if (result) return {.stats = result->stats, .error = {}};
  QueryEnd end{.stats = {}, .error = result.error().message};
  end.stats.exec_seconds = seconds;
  return end;
}

}  // namespace

/// A query that runs, for as long as this lives.
class QueryTracker::Ticket {
 public:
  Ticket(QueryTracker& tracker, const QueryInfo& info, const std::stop_source& stop)
      : tracker_(tracker), id_(tracker.Begin(info, stop)) {}
  ~Ticket() { tracker_.Forget(id_); }
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;

  uint64_t id() const { return id_; }

 private:
  QueryTracker& tracker_;
  const uint64_t id_;
};

QueryTracker::QueryTracker(const promql::Engine& engine, const Clock& clock, QueryLog* log,
                           ActiveQueries* active)
    : engine_(engine), clock_(clock), log_(log), active_(active) {}

Result<promql::QueryResult> QueryTracker::Run(const QueryInfo& info, const Queryable& storage,
                                              promql::QuerySettings settings) {
  std::stop_source stop;
  const std::stop_callback client_gone(settings.stop, [&stop] { stop.request_stop(); });
  settings.stop = stop.get_token();
  const Ticket ticket(*this, info, stop);
  auto result = engine_.Run(info.query, storage, info.times, settings);
  // As in Prometheus, what does not parse was no query.
  if (!result && result.error().code == ErrorCode::kInvalidArgument) return result;
  const QueryEnd end = Keep(ticket.id(), result);
  if (log_ != nullptr) log_->Write(info, end);
  return result;
}

uint64_t QueryTracker::Begin(const QueryInfo& info, const std::stop_source& stop) {
  const Timestamp now = clock_.Now();
  uint64_t id = 0;
  {
    const MutexLock lock(mutex_);
    id = ++last_id_;
    Entry& entry = running_[id];
    entry.query = {.id = id, .info = Shown(info), .started = now};
    entry.began = clock_.Monotonic();
    entry.stop = stop;
  }
  if (active_ != nullptr) active_->Began(id, info.query, now);
  return id;
}

void QueryTracker::Forget(uint64_t id) {
  if (active_ != nullptr) active_->Ended(id);
  const MutexLock lock(mutex_);
  running_.erase(id);
}

QueryEnd QueryTracker::Keep(uint64_t id, const Result<promql::QueryResult>& result) {
  const Timestamp oldest = clock_.Now() - kSlowestKept;
  const MutexLock lock(mutex_);
  const Entry& entry = running_.at(id);
  const double seconds = Seconds(clock_.Monotonic() - entry.began);
  std::erase_if(slowest_, [oldest](const EndedQuery& query) { return query.started < oldest; });
  const auto place =
      std::ranges::upper_bound(slowest_, seconds, std::greater<>(), &EndedQuery::seconds);
  QueryEnd end = EndOf(result, seconds);
  slowest_.insert(place, {.id = id,
                          .info = entry.query.info,
                          .started = entry.query.started,
                          .seconds = seconds,
                          .end = end});
  if (slowest_.size() > kMaxSlowest) slowest_.pop_back();
  return end;
}

std::vector<RunningQuery> QueryTracker::Running() const {
  const auto now = clock_.Monotonic();
  const MutexLock lock(mutex_);
  std::vector<RunningQuery> queries;
  for (const auto& [id, entry] : running_) {
    RunningQuery& query = queries.emplace_back(entry.query);
    query.seconds = Seconds(now - entry.began);
    query.cancelled = entry.stop.stop_requested();
  }
  return queries;
}

std::vector<EndedQuery> QueryTracker::Slowest() const {
  const Timestamp oldest = clock_.Now() - kSlowestKept;
  const MutexLock lock(mutex_);
  std::vector<EndedQuery> queries = slowest_;
  std::erase_if(queries, [oldest](const EndedQuery& query) { return query.started < oldest; });
  return queries;
}

bool QueryTracker::Cancel(uint64_t id) {
  std::stop_source stop(std::nostopstate);
  {
    const MutexLock lock(mutex_);
    const auto found = running_.find(id);
    if (found == running_.end()) return false;
    stop = found->second.stop;
  }
  stop.request_stop();  // outside: it may run callbacks
  return true;
}

}  // namespace barograph::web
