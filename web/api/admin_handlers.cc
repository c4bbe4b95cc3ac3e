#include <fmt/format.h>

#include "web/api/handlers.h"
#include "web/api/json_writer.h"
#include "web/api/parameters.h"

namespace barograph::web {
namespace {

std::expected<StorageAdmin*, ApiError> Enabled(const ApiContext& context) {
  if (context.admin == nullptr) return ApiFail(ApiErrorType::kUnavailable, "admin APIs disabled");
  return context.admin;
}

ApiResult NoContent(const Status& done) {
  if (!done) return ApiFail(ApiErrorType::kInternal, done.error().message);
  return ApiData{};
}

}  // namespace

ApiResult HandleDeleteSeries(const ApiContext& context, const ApiRequest& request) {
  const auto admin = Enabled(context);
  if (!admin) return std::unexpected(admin.error());
  if (!request.form.Has("match[]"))
    return ApiFail(ApiErrorType::kBadData, "no match[] parameter provided");
  const auto start = ParseTimeParameter(request, "start", kMinTimestamp);
  if (!start) return InvalidParameter("start", start.error().message);
  const auto end = ParseTimeParameter(request, "end", kMaxTimestamp);
  if (!end) return InvalidParameter("end", end.error().message);
  const auto sets = ParseMatcherSets(request.form.GetAll("match[]"));
  if (!sets) return InvalidParameter("match[]", sets.error().message);
  for (const Matchers& matchers : *sets) {
    const Status deleted = (*admin)->DeleteSeries({*start, *end}, matchers);
    if (!deleted) return NoContent(deleted);
  }
  return ApiData{};
}

ApiResult HandleCleanTombstones(const ApiContext& context, const ApiRequest&) {
  const auto admin = Enabled(context);
  if (!admin) return std::unexpected(admin.error());
  return NoContent((*admin)->CleanTombstones());
}

ApiResult HandleSnapshot(const ApiContext& context, const ApiRequest& request) {
  const auto admin = Enabled(context);
  if (!admin) return std::unexpected(admin.error());
  const std::string_view skip = request.form.Get("skip_head");
  const bool skip_head = skip == "true" || skip == "1";
  if (!skip_head && !skip.empty() && skip != "false" && skip != "0") {
    return InvalidParameter("skip_head", fmt::format("unable to parse boolean \"{}\"", skip));
  }
  const auto name = (*admin)->Snapshot(skip_head);
  if (!name) {
    return ApiFail(ApiErrorType::kInternal,
                   fmt::format("create snapshot: {}", name.error().message));
  }
  JsonWriter json;
  json.BeginObject();
  json.Key("name");
  json.String(*name);
  json.EndObject();
  return ApiData{.json = json.Take(), .warnings = {}, .infos = {}};
}

}  // namespace barograph::web
