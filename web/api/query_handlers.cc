#include <fmt/format.h>

#include <limits>
#include <optional>

#include "base/model/number.h"
#include "promql/plan/estimate.h"
#include "web/api/handlers.h"
#include "web/api/parameters.h"
#include "web/api/stats_json.h"
#include "web/api/value_json.h"

namespace barograph::web {
namespace {

using std::chrono::nanoseconds;

constexpr int64_t kMaxPoints = 11000;  // a series: 60 s steps for a week, 1 h steps for a year
constexpr std::string_view kTruncated = "results truncated due to limit";

/// How a query ended, as an errorType.
ApiErrorType TypeOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return ApiErrorType::kBadData;
    case ErrorCode::kTimeout: return ApiErrorType::kTimeout;
    case ErrorCode::kCancelled: return ApiErrorType::kCanceled;
    case ErrorCode::kExecution:
    case ErrorCode::kLimitExceeded:
    case ErrorCode::kOutOfOrder: return ApiErrorType::kExecution;
    case ErrorCode::kUnavailable: return ApiErrorType::kUnavailable;
    case ErrorCode::kNotFound:
    case ErrorCode::kCorruption:
    case ErrorCode::kIo:
    case ErrorCode::kInternal: return ApiErrorType::kInternal;
  }
  return ApiErrorType::kInternal;
}

/// The whole steps from start to end, without overflow.
int64_t StepsBetween(Timestamp start, Timestamp end, nanoseconds step) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  const int64_t ms = (end - start).count();
  const int64_t ns = ms > kMax / 1'000'000 ? kMax : ms * 1'000'000;
  return ns / step.count();
}

struct Settings {
  promql::QuerySettings query;
  size_t limit = 0;
  std::string stats;
};

// How long a query may still take: the time in which it waited for a thread counts.
Duration TimeLeft(const ApiContext& context, const ApiRequest& request, nanoseconds timeout) {
  const nanoseconds most = std::min<nanoseconds>(timeout, context.engine.options().timeout);
  return std::chrono::ceil<Duration>(most - request.queued);
}

std::expected<Settings, ApiError> ReadSettings(const ApiContext& context, const ApiRequest& request,
                                               size_t limit) {
  Settings settings{.query = {}, .limit = limit, .stats = std::string(request.form.Get("stats"))};
  settings.query.stop = request.stop;
  settings.query.measure = settings.stats == "all";
  // Statistics are those of the whole query. nocache is VictoriaMetrics's word for it.
  settings.query.reuse = settings.stats.empty() && request.form.Get("nocache") != "1";
  nanoseconds timeout = context.engine.options().timeout;
  if (const auto text = request.form.Get("timeout"); !text.empty()) {
    const auto parsed = ParseSpan(text);
    if (!parsed) return InvalidParameter("timeout", parsed.error().message);
    timeout = *parsed;
  }
  settings.query.timeout = TimeLeft(context, request, timeout);
  if (const auto text = request.form.Get("lookback_delta"); !text.empty()) {
    const auto lookback = ParseSpan(text);
    if (!lookback)
      return ApiFail(
          ApiErrorType::kBadData,
          fmt::format("error parsing lookback delta duration: {}", lookback.error().message));
    if (lookback->count() > 0) settings.query.lookback = std::chrono::ceil<Duration>(*lookback);
  }
  return settings;
}

/// Drops what is over the limit; whether there was any.
bool Truncate(promql::Value& value, size_t limit) {
  std::vector<promql::ResultSeries>* series = nullptr;
  if (auto* vector = std::get_if<promql::Vector>(&value)) series = &vector->series;
  if (auto* matrix = std::get_if<promql::Matrix>(&value)) series = &matrix->series;
  if (limit == 0 || series == nullptr || series->size() <= limit) return false;
  series->resize(limit);
  return true;
}

void NoteOddStats(std::string_view stats, std::vector<std::string>& warnings) {
  if (stats.empty() || stats == "true" || stats == "all") return;
  warnings.push_back(
      fmt::format("value {} for parameter \"stats\" is deprecated and will be rejected in the next "
                  "major release, use \"true\" or \"all\"",
                  Quote(stats)));
}

// In its envelope; nullopt where the client went meanwhile.
std::optional<std::vector<std::string>> ResultJson(const promql::QueryResult& result,
                                                   std::string_view stats,
                                                   const ApiRequest& request, WorkerPool* workers) {
  JsonWriter json;
  BeginEnvelope(json);
  json.BeginObject();
  json.Key("resultType");
  json.String(ToString(promql::TypeOf(result.value)));
  json.Key("result");
  if (!WriteValue(json, result.value, request.stop, workers)) return std::nullopt;
  if (!stats.empty()) {
    json.Key("stats");
    WriteStats(json, result.stats, request.queued);
  }
  json.EndObject();
  return json.TakePieces();
}

std::unexpected<ApiError> QueryError(const Error& error) {
  if (error.code == ErrorCode::kInvalidArgument) return InvalidParameter("query", error.message);
  return ApiFail(TypeOf(error.code), error.message);
}

ApiResult Evaluate(const ApiContext& context, const ApiRequest& request, const Settings& settings,
                   promql::QueryTimes times) {
  if (settings.query.timeout <= Duration(0))
    return ApiFail(ApiErrorType::kTimeout, "query timed out in query queue");
  const QueryMetrics::Running running(context.query_metrics);
  const QueryInfo info{.query = std::string(request.form.Get("query")),
                       .times = times,
                       .queued = request.queued,
                       .client = request.client,
                       .method = request.method,
                       .path = request.path};
  auto result = context.queries.Run(info, context.storage, settings.query);
  if (!result) return QueryError(result.error());
  context.query_metrics.Observe(result->stats, request.queued);
  ApiData data{.json = {},
               .in_envelope = true,
               .warnings = std::move(result->annotations.warnings),
               .infos = std::move(result->annotations.infos)};
  if (Truncate(result->value, settings.limit)) data.warnings.emplace_back(kTruncated);
  NoteOddStats(settings.stats, data.warnings);
  auto json = ResultJson(*result, settings.stats, request, context.engine.options().workers);
  if (!json) return ApiFail(ApiErrorType::kCanceled, "query was canceled while it was answered");
  data.json = std::move(json->front());
  json->erase(json->begin());
  data.more = std::move(*json);
  return data;
}

void WritePlan(JsonWriter& json, const std::vector<promql::PlanLine>& lines) {
  json.BeginArray();
  for (const promql::PlanLine& line : lines) {
    json.BeginObject();
    json.Key("depth");
    json.Int(static_cast<int64_t>(line.depth));
    json.Key("kind");
    json.String(line.kind);
    json.Key("expression");
    json.String(line.text);
    json.Key("steps");
    json.Int(static_cast<int64_t>(line.steps));
    for (const auto& [name, value] :
         {std::pair("estimatedSeries", line.series), std::pair("estimatedSamples", line.samples)}) {
      if (!value.has_value()) continue;
      json.Key(name);
      json.Int(static_cast<int64_t>(*value));
    }
    json.EndObject();
  }
  json.EndArray();
}

std::expected<promql::QueryTimes, ApiError> ReadRange(const ApiContext&,
                                                      const ApiRequest& request) {
  const auto start = ParseTime(request.form.Get("start"));
  if (!start) return InvalidParameter("start", start.error().message);
  const auto end = ParseTime(request.form.Get("end"));
  if (!end) return InvalidParameter("end", end.error().message);
  if (*end < *start) return InvalidParameter("end", "end timestamp must not be before start time");
  const auto step = ParseSpan(request.form.Get("step"));
  if (!step) return InvalidParameter("step", step.error().message);
  if (*step < Duration(1))
    return InvalidParameter("step",
                            "zero or negative query resolution step widths are not accepted. Try "
                            "a positive integer");
  if (StepsBetween(*start, *end, *step) > kMaxPoints)
    return ApiFail(ApiErrorType::kBadData,
                   "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing "
                   "the query resolution (?step=XX)");
  return promql::QueryTimes{
      .start = *start, .end = *end, .step = std::chrono::floor<Duration>(*step)};
}

using TimesReader = std::expected<promql::QueryTimes, ApiError> (*)(const ApiContext&,
                                                                    const ApiRequest&);

std::expected<promql::QueryTimes, ApiError> ReadInstant(const ApiContext& context,
                                                        const ApiRequest& request) {
  const auto time = ParseTimeParameter(request, "time", context.clock.Now());
  if (!time) return InvalidParameter("time", time.error().message);
  return promql::QueryTimes{.start = *time, .end = *time};
}

// The times of a range query where a step is given, else of an instant query.
std::expected<promql::QueryTimes, ApiError> ReadEither(const ApiContext& context,
                                                       const ApiRequest& request) {
  return request.form.Get("step").empty() ? ReadInstant(context, request)
                                          : ReadRange(context, request);
}

struct QueryParameters {
  Settings settings;
  promql::QueryTimes times;
};

// In Prometheus's order, so that a request with two mistakes is told of the same one.
std::expected<QueryParameters, ApiError> ReadParameters(const ApiContext& context,
                                                        const ApiRequest& request,
                                                        TimesReader read_times) {
  const auto limit = ParseLimit(request.form.Get("limit"));
  if (!limit) return InvalidParameter("limit", limit.error().message);
  const auto times = read_times(context, request);
  if (!times) return std::unexpected(times.error());
  auto settings = ReadSettings(context, request, *limit);
  if (!settings) return std::unexpected(std::move(settings.error()));
  return QueryParameters{std::move(*settings), *times};
}

ApiResult ReadAndEvaluate(const ApiContext& context, const ApiRequest& request,
                          TimesReader read_times) {
  const auto parameters = ReadParameters(context, request, read_times);
  if (!parameters) return std::unexpected(parameters.error());
  return Evaluate(context, request, parameters->settings, parameters->times);
}

}  // namespace

ApiResult HandleExplainQuery(const ApiContext& context, const ApiRequest& request) {
  const auto parameters = ReadParameters(context, request, ReadEither);
  if (!parameters) return std::unexpected(parameters.error());
  const auto plan = context.engine.Explain(request.form.Get("query"), &context.storage,
                                           parameters->times, parameters->settings.query);
  if (!plan) return QueryError(plan.error());
  JsonWriter json;
  json.BeginObject();
  json.Key("plan");
  WritePlan(json, *plan);
  json.Key("text");
  json.String(promql::FormatPlan(*plan));
  json.EndObject();
  return ApiData{.json = json.Take(), .warnings = {}, .infos = {}};
}

ApiResult HandleQuery(const ApiContext& context, const ApiRequest& request) {
  return ReadAndEvaluate(context, request, ReadInstant);
}

ApiResult HandleQueryRange(const ApiContext& context, const ApiRequest& request) {
  return ReadAndEvaluate(context, request, ReadRange);
}

}  // namespace barograph::web
