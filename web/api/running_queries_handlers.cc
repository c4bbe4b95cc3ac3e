#include <fmt/format.h>

#include <charconv>

#include "web/api/go_time.h"
#include "web/api/handlers.h"
#include "web/api/json_writer.h"
#include "web/api/stats_json.h"

namespace barograph::web {
namespace {

void WriteText(JsonWriter& json, std::string_view key, std::string_view text) {
  json.Key(key);
  json.String(text);
}

// What running and ended queries have in common.
template <typename Query>
void WriteQuery(JsonWriter& json, const Query& query) {
  WriteText(json, "id", fmt::to_string(query.id));
  WriteText(json, "query", query.info.query);
  json.Key("start");
  json.Seconds(ToMs(query.info.times.start));
  json.Key("end");
  json.Seconds(ToMs(query.info.times.end));
  json.Key("step");
  json.Number(ToSeconds(query.info.times.step));
  WriteText(json, "client", query.info.client);
  WriteText(json, "path", query.info.path);
  WriteText(json, "startedAt", FormatGoTime(query.started));
  json.Key("seconds");
  json.Number(query.seconds);
}

void WriteRunning(JsonWriter& json, const RunningQuery& query) {
  json.BeginObject();
  WriteQuery(json, query);
  json.Key("canceled");
  json.Bool(query.cancelled);
  json.EndObject();
}

void WriteEnded(JsonWriter& json, const EndedQuery& query) {
  json.BeginObject();
  WriteQuery(json, query);
  if (!query.end.error.empty()) WriteText(json, "error", query.end.error);
  json.Key("stats");
  WriteStats(json, query.end.stats, query.info.queued);
  json.EndObject();
}

}  // namespace

ApiResult HandleQueries(const ApiContext& context, const ApiRequest&) {
  JsonWriter json;
  json.BeginObject();
  json.Key("running");
  json.BeginArray();
  for (const RunningQuery& query : context.queries.Running()) WriteRunning(json, query);
  json.EndArray();
  json.Key("slowest");
  json.BeginArray();
  for (const EndedQuery& query : context.queries.Slowest()) WriteEnded(json, query);
  json.EndArray();
  json.EndObject();
  return ApiData{.json = json.Take(), .warnings = {}, .infos = {}};
}

ApiResult HandleCancelQuery(const ApiContext& context, const ApiRequest& request) {
  const std::string& text = request.params.at("id");
  uint64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size())
    return InvalidParameter("id", "not a whole number");
  if (!context.queries.Cancel(id))
    return ApiFail(ApiErrorType::kNotFound, fmt::format("no query {} is running", id));
  return ApiData{};
}

}  // namespace barograph::web
