#include <limits>
#include <thread>

#include "web/api/go_time.h"
#include "web/api/handlers.h"
#include "web/api/json_writer.h"
#include "web/api/parameters.h"

namespace barograph::web {
namespace {

void WriteField(JsonWriter& json, std::string_view key, std::string_view value) {
  json.Key(key);
  json.String(value);
}

void WriteField(JsonWriter& json, std::string_view key, int64_t value) {
  json.Key(key);
  json.Int(value);
}

void WriteHeadStats(JsonWriter& json, const HeadStatistics& head) {
  json.Key("headStats");
  json.BeginObject();
  WriteField(json, "numSeries", static_cast<int64_t>(head.series));
  WriteField(json, "numLabelPairs", static_cast<int64_t>(head.label_pairs));
  WriteField(json, "chunkCount", static_cast<int64_t>(head.chunks));
  const bool empty = head.range.min > head.range.max;
  using Limits = std::numeric_limits<int64_t>;
  WriteField(json, "minTime", empty ? Limits::max() : ToMs(head.range.min));
  WriteField(json, "maxTime", empty ? Limits::min() : ToMs(head.range.max));
  json.EndObject();
}

void WriteCounts(JsonWriter& json, std::string_view key, const std::vector<NamedCount>& counts) {
  json.Key(key);
  json.BeginArray();
  for (const auto& [name, count] : counts) {
    json.BeginObject();
    WriteField(json, "name", name);
    WriteField(json, "value", static_cast<int64_t>(count));
    json.EndObject();
  }
  json.EndArray();
}

// An extension.
// As Prometheus's meta.json has it, where maxTime is after the last sample.
void WriteBlock(JsonWriter& json, const BlockStatistics& block) {
  json.BeginObject();
  WriteField(json, "ulid", block.ulid);
  WriteField(json, "minTime", ToMs(block.range.min));
  WriteField(json, "maxTime", ToMs(block.range.max) + 1);
  json.Key("stats");
  json.BeginObject();
  WriteField(json, "numSamples",
             static_cast<int64_t>(block.float_samples + block.histogram_samples));
  WriteField(json, "numFloatSamples", static_cast<int64_t>(block.float_samples));
  WriteField(json, "numHistogramSamples", static_cast<int64_t>(block.histogram_samples));
  WriteField(json, "numSeries", static_cast<int64_t>(block.series));
  WriteField(json, "numBytes", static_cast<int64_t>(block.bytes));
  json.EndObject();
  json.Key("compaction");
  json.BeginObject();
  WriteField(json, "level", static_cast<int64_t>(block.level));
  json.Key("sources");
  json.BeginArray();
  for (const std::string& source : block.sources) json.String(source);
  json.EndArray();
  json.EndObject();
  WriteField(json, "version", int64_t{1});
  json.EndObject();
}

void WriteLimits(JsonWriter& json, const SeriesLimits& limits) {
  json.Key("limits");
  json.BeginObject();
  WriteField(json, "memoryLimitBytes", static_cast<int64_t>(limits.memory_limit_bytes));
  WriteField(json, "memoryUsedBytes", static_cast<int64_t>(limits.memory_used_bytes));
  json.Key("jobs");
  json.BeginArray();
  for (const SeriesLimits::Job& job : limits.jobs) {
    json.BeginObject();
    WriteField(json, "job", job.job);
    WriteField(json, "series", static_cast<int64_t>(job.series));
    WriteField(json, "seriesLimit", static_cast<int64_t>(job.limit));
    WriteField(json, "seriesRefused", static_cast<int64_t>(job.refused));
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
}

}  // namespace

ApiResult HandleConfig(const ApiContext& context, const ApiRequest&) {
  JsonWriter json;
  json.BeginObject();
  WriteField(json, "yaml", context.state.ConfigYaml());
  json.EndObject();
  return ApiData{.json = json.Take(), .warnings = {}, .infos = {}};
}

ApiResult HandleFlags(const ApiContext& context, const ApiRequest&) {
  JsonWriter json;
  json.BeginObject();
  for (const auto& [name, value] : context.state.Flags()) WriteField(json, name, value);
  json.EndObject();
  return ApiData{.json = json.Take(), .warnings = {}, .infos = {}};
}

ApiResult HandleTsdbStatus(const ApiContext& context, const ApiRequest& request) {
  constexpr int64_t kDefaultLimit = 10, kMaxLimit = 10'000;
  int64_t limit = kDefaultLimit;
  if (const std::string_view text = request.form.Get("limit"); !text.empty()) {
    const auto number = ParseWholeNumber(text);
    if (!number || *number < 1) {
      return ApiFail(ApiErrorType::kBadData, "limit must be a positive number");
    }
    if (*number > kMaxLimit) return ApiFail(ApiErrorType::kBadData, "limit must not exceed 10000");
    limit = *number;
  }
  const HeadStatistics head = context.statistics.CountHead(static_cast<size_t>(limit));
  JsonWriter json;
  json.BeginObject();
  WriteHeadStats(json, head);
  WriteCounts(json, "seriesCountByMetricName", head.series_by_metric);
  WriteCounts(json, "labelValueCountByLabelName", head.values_by_label);
  WriteCounts(json, "memoryInBytesByLabelName", head.value_bytes_by_label);
  WriteCounts(json, "seriesCountByLabelValuePair", head.series_by_pair);
  WriteLimits(json, context.state.Limits());
  json.EndObject();
  return ApiData{.json = json.Take(), .warnings = {}, .infos = {}};
}

ApiResult HandleTsdbBlocks(const ApiContext& context, const ApiRequest&) {
  JsonWriter json;
  json.BeginObject();
  json.Key("blocks");
  json.BeginArray();
  for (const BlockStatistics& block : context.statistics.CountBlocks()) WriteBlock(json, block);
  json.EndArray();
  json.EndObject();
  return ApiData{.json = json.Take(), .warnings = {}, .infos = {}};
}

ApiResult HandleRuntimeInfo(const ApiContext& context, const ApiRequest&) {
  const RuntimeInfo info = context.state.Runtime();
  JsonWriter json;
  json.BeginObject();
  WriteField(json, "startTime", FormatGoTime(info.start_time));
  WriteField(json, "CWD", info.working_directory);
  WriteField(json, "hostname", info.hostname);
  WriteField(json, "serverTime", FormatGoTime(context.clock.Now()));
  json.Key("reloadConfigSuccess");
  json.Bool(info.reload_config_success);
  WriteField(json, "lastConfigTime", FormatGoTime(info.last_config_time));
  WriteField(json, "corruptionCount", static_cast<int64_t>(info.corruption_count));
  // Names that clients of Prometheus expect; what Go's runtime alone has is as if unset.
  WriteField(json, "goroutineCount", static_cast<int64_t>(info.threads));
  WriteField(json, "GOMAXPROCS", std::thread::hardware_concurrency());
  WriteField(json, "GOMEMLIMIT", std::numeric_limits<int64_t>::max());
  WriteField(json, "GOGC", "");
  WriteField(json, "GODEBUG", "");
  WriteField(json, "storageRetention", info.storage_retention);
  json.EndObject();
  return ApiData{.json = json.Take(), .warnings = {}, .infos = {}};
}

std::string BuildInfoJson(const BuildInfo& build) {
  JsonWriter json;
  json.BeginObject();
  WriteField(json, "version", build.version);
  WriteField(json, "revision", build.revision);
  WriteField(json, "branch", build.branch);
  WriteField(json, "buildUser", build.build_user);
  WriteField(json, "buildDate", build.build_date);
  WriteField(json, "goVersion", build.compiler);
  json.EndObject();
  return json.Take();
}

ApiResult HandleBuildInfo(const ApiContext& context, const ApiRequest&) {
  return ApiData{.json = BuildInfoJson(context.build), .warnings = {}, .infos = {}};
}

}  // namespace barograph::web
