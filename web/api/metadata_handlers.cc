#include <algorithm>
#include <limits>
#include <set>
#include <tuple>

#include "web/api/handlers.h"
#include "web/api/json_writer.h"
#include "web/api/parameters.h"

namespace barograph::web {
namespace {

constexpr int64_t kNoLimit = -1;

/// A limit, negative when there is none.
std::expected<int64_t, ApiError> ReadLimit(const ApiRequest& request, const std::string& name) {
  const std::string_view text = request.form.Get(name);
  if (text.empty()) return kNoLimit;
  const auto limit = ParseWholeNumber(text);
  if (!limit) return ApiFail(ApiErrorType::kBadData, name + " must be a number");
  return *limit;
}

void WriteTypeHelpUnit(JsonWriter& json, const MetricMetadata& metadata) {
  json.Key("type");
  json.String(metadata.type);
  json.Key("help");
  json.String(metadata.help);
  json.Key("unit");
  json.String(metadata.unit);
}

}  // namespace

ApiResult HandleTargetsMetadata(const ApiContext& context, const ApiRequest& request) {
  const auto limit = ReadLimit(request, "limit");
  if (!limit) return std::unexpected(limit.error());
  Matchers matchers;
  if (const auto text = request.form.Get("match_target"); !text.empty()) {
    auto parsed = ParseSelector(text);
    if (!parsed) return InvalidParameter("match_target", parsed.error().message);
    matchers = std::move(*parsed);
  }
  const std::string_view metric = request.form.Get("metric");

  JsonWriter json;
  int64_t count = 0;
  json.BeginArray();
  for (const auto& metadata : context.state.Metadata()) {
    if (*limit >= 0 && count >= *limit) break;
    if (metadata.target.empty()) continue;  // no target's
    if (!metric.empty() && metadata.metric != metric) continue;
    if (!MatchesAll(matchers, metadata.target)) continue;
    json.BeginObject();
    json.Key("target");
    json.LabelSet(metadata.target);
    if (metric.empty()) {
      json.Key("metric");
      json.String(metadata.metric);
    }
    WriteTypeHelpUnit(json, metadata);
    json.EndObject();
    ++count;
  }
  json.EndArray();
  return ApiData{.json = json.Take(), .warnings = {}, .infos = {}};
}

ApiResult HandleMetadata(const ApiContext& context, const ApiRequest& request) {
  const auto limit = ReadLimit(request, "limit");
  if (!limit) return std::unexpected(limit.error());
  const auto limit_per_metric = ReadLimit(request, "limit_per_metric");
  if (!limit_per_metric) return std::unexpected(limit_per_metric.error());
  const std::string_view wanted = request.form.Get("metric");
  const int64_t most = *limit_per_metric > 0 ? *limit_per_metric  // 0 is no limit, too
                                             : std::numeric_limits<int64_t>::max();

  const std::vector<MetricMetadata> all = context.state.Metadata();
  JsonWriter json;
  json.BeginObject();
  int64_t metrics = 0;
  for (size_t i = 0, next = 0; i < all.size(); i = next) {
    for (next = i; next < all.size() && all[next].metric == all[i].metric;) ++next;
    if (!wanted.empty() && all[i].metric != wanted) continue;
    if (*limit >= 0 && metrics++ >= *limit) break;
    json.Key(all[i].metric);
    json.BeginArray();
    std::set<std::tuple<std::string_view, std::string_view, std::string_view>> seen;
    for (size_t k = i; k < next && static_cast<int64_t>(seen.size()) < most; ++k) {
      if (!seen.emplace(all[k].type, all[k].help, all[k].unit).second) continue;
      json.BeginObject();
      WriteTypeHelpUnit(json, all[k]);
      json.EndObject();
    }
    json.EndArray();
  }
  json.EndObject();
  return ApiData{.json = json.Take(), .warnings = {}, .infos = {}};
}

}  // namespace barograph::web
