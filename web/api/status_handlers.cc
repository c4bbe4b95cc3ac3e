#include <limits>
#include <thread>

#include "web/api/go_time.h"
#include "web/api/handlers.h"
#include "web/api/json_writer.h"

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
