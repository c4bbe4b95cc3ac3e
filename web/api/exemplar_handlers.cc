#include <string>
#include <vector>

#include "promql/parse/parser.h"
#include "promql/parse/selectors.h"
#include "web/api/handlers.h"
#include "web/api/json_writer.h"
#include "web/api/parameters.h"

namespace barograph::web {
namespace {

void WriteExemplar(JsonWriter& json, const Exemplar& exemplar) {
  json.BeginObject();
  json.Key("labels");
  json.LabelSet(exemplar.labels);
  json.Key("value");
  json.SampleValue(exemplar.value);
  json.Key("timestamp");
  json.Seconds(ToMs(exemplar.timestamp));
  json.EndObject();
}

std::string ResultJson(const std::vector<ExemplarSeries>& result) {
  JsonWriter json;
  json.BeginArray();
  for (const auto& [labels, exemplars] : result) {
    json.BeginObject();
    json.Key("seriesLabels");
    json.LabelSet(labels);
    json.Key("exemplars");
    json.BeginArray();
    for (const Exemplar& exemplar : exemplars) WriteExemplar(json, exemplar);
    json.EndArray();
    json.EndObject();
  }
  json.EndArray();
  return json.Take();
}

}  // namespace

ApiResult HandleQueryExemplars(const ApiContext& context, const ApiRequest& request) {
  const auto start = ParseTimeParameter(request, "start", kMinTimestamp);
  if (!start) return InvalidParameter("start", start.error().message);
  const auto end = ParseTimeParameter(request, "end", kMaxTimestamp);
  if (!end) return InvalidParameter("end", end.error().message);
  if (*end < *start) {
    return ApiFail(ApiErrorType::kBadData, "end timestamp must not be before start timestamp");
  }
  const std::string_view query = request.form.Get("query");
  const auto expression = promql::ParseExpr(query, context.engine.options().parser);
  if (!expression) {
    return ApiFail(ApiErrorType::kBadData, expression.error().front().Format(query));
  }
  const std::vector<Matchers> selectors = promql::ExtractSelectors(**expression);
  if (selectors.empty()) return ApiData();
  const auto result = context.exemplars.SelectExemplars({*start, *end}, selectors, request.stop);
  if (!result) {
    const bool cancelled = result.error().code == ErrorCode::kCancelled;
    return ApiFail(cancelled ? ApiErrorType::kCanceled : ApiErrorType::kExecution,
                   result.error().message);
  }
  return ApiData{.json = ResultJson(*result), .warnings = {}, .infos = {}};
}

}  // namespace barograph::web
