#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>

#include "base/bytes/utf8.h"
#include "base/model/number.h"
#include "web/api/escaped_name.h"
#include "web/api/handlers.h"
#include "web/api/json_writer.h"
#include "web/api/parameters.h"

namespace barograph::web {
namespace {

constexpr std::string_view kTruncated = "results truncated due to limit";

ApiErrorType TypeOf(ErrorCode code) {
  if (code == ErrorCode::kCancelled) return ApiErrorType::kCanceled;
  if (code == ErrorCode::kTimeout) return ApiErrorType::kTimeout;
  return ApiErrorType::kExecution;
}

/// What the three endpoints have in common: a time range, selectors and a limit.
struct Lookup {
  TimeRange range;
  std::vector<Matchers> sets;  // of match[]; empty is everything
  size_t limit = 0;
};

/// `matchers_named` says whether an error in a selector names the parameter, as in Prometheus it
/// does for series only.
std::expected<Lookup, ApiError> ReadLookup(const ApiRequest& request, bool matchers_named) {
  Lookup lookup;
  const auto limit = ParseLimit(request.form.Get("limit"));
  if (!limit) return InvalidParameter("limit", limit.error().message);
  lookup.limit = *limit;
  const auto start = ParseTimeParameter(request, "start", kMinTimestamp);
  if (!start) return InvalidParameter("start", start.error().message);
  const auto end = ParseTimeParameter(request, "end", kMaxTimestamp);
  if (!end) return InvalidParameter("end", end.error().message);
  lookup.range = {*start, *end};
  auto sets = ParseMatcherSets(request.form.GetAll("match[]"));
  if (!sets && matchers_named) return InvalidParameter("match[]", sets.error().message);
  if (!sets) return ApiFail(ApiErrorType::kBadData, sets.error().message);
  lookup.sets = std::move(*sets);
  return lookup;
}

/// Asks once for each selector (once without, where there is none); the union, sorted, with one
/// item more than the limit where there are that many.
template <typename T>
std::expected<std::vector<T>, ApiError> Collect(
    const Lookup& lookup, const std::function<Result<std::vector<T>>(const LabelQuery&)>& ask) {
  std::vector<Matchers> sets = lookup.sets;
  if (sets.empty()) sets.emplace_back();
  std::vector<T> all;
  for (auto& matchers : sets) {
    const LabelQuery query{.range = lookup.range,
                           .matchers = std::move(matchers),
                           .limit = lookup.limit == 0 ? 0 : lookup.limit + 1};
    auto some = ask(query);
    if (!some) return ApiFail(TypeOf(some.error().code), some.error().message);
    if (all.empty()) {
      all = std::move(*some);
      continue;
    }
    std::vector<T> merged;
    std::ranges::set_union(all, *some, std::back_inserter(merged));
    all = std::move(merged);
  }
  return all;
}

/// The first `limit` items as an array.
template <typename T>
ApiData ToData(std::vector<T> items, size_t limit,
               const std::function<void(JsonWriter&, const T&)>& write) {
  ApiData data;
  if (limit > 0 && items.size() > limit) {
    items.resize(limit);
    data.warnings.emplace_back(kTruncated);
  }
  JsonWriter json;
  json.BeginArray();
  for (const auto& item : items) write(json, item);
  json.EndArray();
  data.json = json.Take();
  return data;
}

void WriteText(JsonWriter& json, const std::string& text) { json.String(text); }
void WriteLabels(JsonWriter& json, const Labels& labels) { json.LabelSet(labels); }

}  // namespace

ApiResult HandleLabels(const ApiContext& context, const ApiRequest& request) {
  const auto lookup = ReadLookup(request, false);
  if (!lookup) return std::unexpected(lookup.error());
  auto names = Collect<std::string>(*lookup, [&](const LabelQuery& query) {
    return context.storage.LabelNames(query, request.stop);
  });
  if (!names) return std::unexpected(names.error());
  return ToData<std::string>(std::move(*names), lookup->limit, WriteText);
}

ApiResult HandleLabelValues(const ApiContext& context, const ApiRequest& request) {
  const std::string name = UnescapeName(request.params.at("name"));
  if (!IsUtf8Name(name))
    return ApiFail(ApiErrorType::kBadData, fmt::format("invalid label name: {}", Quote(name)));
  const auto lookup = ReadLookup(request, false);
  if (!lookup) return std::unexpected(lookup.error());
  auto values = Collect<std::string>(*lookup, [&](const LabelQuery& query) {
    return context.storage.LabelValues(name, query, request.stop);
  });
  if (!values) return std::unexpected(values.error());
  return ToData<std::string>(std::move(*values), lookup->limit, WriteText);
}

ApiResult HandleSeries(const ApiContext& context, const ApiRequest& request) {
  if (!request.form.Has("match[]"))
    return ApiFail(ApiErrorType::kBadData, "no match[] parameter provided");
  const auto lookup = ReadLookup(request, true);
  if (!lookup) return std::unexpected(lookup.error());
  auto series = Collect<Labels>(*lookup, [&](const LabelQuery& query) {
    return context.storage.Series(query, request.stop);
  });
  if (!series) return std::unexpected(series.error());
  return ToData<Labels>(std::move(*series), lookup->limit, WriteLabels);
}

}  // namespace barograph::web
