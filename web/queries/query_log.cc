#include "web/queries/query_log.h"

#include "base/bytes/json_text.h"
#include "web/api/go_time.h"
#include "web/api/json_writer.h"
#include "web/api/stats_json.h"

namespace barograph::web {
namespace {

// Logs do not escape <, > and &, which the API does.
void WriteText(JsonWriter& json, std::string_view key, std::string_view text) {
  std::string quoted;
  AppendJsonText(quoted, text);
  json.Key(key);
  json.Raw(quoted);
}

void WriteParameters(JsonWriter& json, const QueryInfo& info) {
  json.Key("params");
  json.BeginObject();
  WriteText(json, "end", FormatLogTime(info.times.end));
  WriteText(json, "query", info.query);
  WriteText(json, "start", FormatLogTime(info.times.start));
  json.Key("step");
  json.Int(std::chrono::floor<std::chrono::seconds>(info.times.step).count());
  json.EndObject();
}

void WriteOrigin(JsonWriter& json, const QueryInfo& info) {
  json.Key("httpRequest");
  json.BeginObject();
  WriteText(json, "clientIP", info.client);
  WriteText(json, "method", info.method);
  WriteText(json, "path", info.path);
  json.EndObject();
}

std::string Line(const QueryInfo& info, const QueryEnd& end, Timestamp now) {
  JsonWriter json;
  json.BeginObject();
  WriteText(json, "time", FormatLogTime(now));
  WriteText(json, "level", "INFO");
  WriteText(json, "msg", "promql query logged");
  WriteParameters(json, info);
  if (!end.error.empty()) WriteText(json, "error", end.error);
  json.Key("stats");
  WriteStats(json, end.stats, info.queued);
  // What Prometheus writes where nothing is traced.
  WriteText(json, "spanID", "0000000000000000");
  WriteText(json, "traceID", "00000000000000000000000000000000");
  WriteOrigin(json, info);
  json.EndObject();
  return json.Take() + "\n";
}

}  // namespace

QueryLog::QueryLog(FileSystem& files, const Clock& clock, MetricsRegistry& metrics, Logger logger)
    : files_(files),
      clock_(clock),
      logger_(std::move(logger)),
      enabled_(metrics.AddGauge("prometheus_engine_query_log_enabled", "State of the query log.")),
      failures_(metrics.AddCounter("prometheus_engine_query_log_failures_total",
                                   "The number of query log failures.")) {}

Status QueryLog::Open(const std::string& path) {
  std::unique_ptr<WritableFile> file;
  if (!path.empty()) file = TRY(files_.OpenWritable(path, OpenMode::kAppend));
  const MutexLock lock(mutex_);
  file_ = std::move(file);
  failing_ = false;
  enabled_.Set(file_ == nullptr ? 0 : 1);
  return {};
}

void QueryLog::Write(const QueryInfo& info, const QueryEnd& end) {
  {
    const MutexLock lock(mutex_);
    if (file_ == nullptr) return;
  }
  const std::string line = Line(info, end, clock_.Now());
  const MutexLock lock(mutex_);
  if (file_ == nullptr) return;
  const Status written = file_->Append(line);
  if (!written) failures_.Increment();
  if (!written && !failing_) logger_.Error("can't log query", {{"err", written.error()}});
  failing_ = !written;
}

}  // namespace barograph::web
