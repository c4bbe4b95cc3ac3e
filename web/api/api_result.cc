#include "web/api/api_result.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/model/number.h"
#include "web/api/json_writer.h"

namespace barograph::web {
namespace {

constexpr size_t kMaxNotes = 10;

void WriteNotes(JsonWriter& json, std::string_view key, std::string_view kind,
                const std::vector<std::string>& notes) {
  if (notes.empty()) return;
  json.Key(key);
  json.BeginArray();
  for (size_t i = 0; i < std::min(notes.size(), kMaxNotes); ++i) json.String(notes[i]);
  if (notes.size() > kMaxNotes)
    json.String(fmt::format("{} more {} annotations omitted", notes.size() - kMaxNotes, kind));
  json.EndArray();
}

}  // namespace

std::string_view ToString(ApiErrorType type) {
  switch (type) {
    case ApiErrorType::kBadData: return "bad_data";
    case ApiErrorType::kExecution: return "execution";
    case ApiErrorType::kCanceled: return "canceled";
    case ApiErrorType::kTimeout: return "timeout";
    case ApiErrorType::kInternal: return "internal";
    case ApiErrorType::kNotFound: return "not_found";
    case ApiErrorType::kUnavailable: return "unavailable";
  }
  return "internal";
}

int StatusOf(ApiErrorType type) {
  switch (type) {
    case ApiErrorType::kBadData: return 400;
    case ApiErrorType::kExecution: return 422;
    case ApiErrorType::kCanceled: return 499;
    case ApiErrorType::kTimeout: return 503;
    case ApiErrorType::kNotFound: return 404;
    case ApiErrorType::kInternal:
    case ApiErrorType::kUnavailable: return 500;
  }
  return 500;
}

std::unexpected<ApiError> ApiFail(ApiErrorType type, std::string message) {
  return std::unexpected(ApiError{type, std::move(message)});
}

std::unexpected<ApiError> InvalidParameter(std::string_view name, std::string_view why) {
  return ApiFail(ApiErrorType::kBadData, fmt::format("invalid parameter {}: {}", Quote(name), why));
}

void BeginEnvelope(JsonWriter& json) {
  json.BeginObject();
  json.Key("status");
  json.String("success");
  json.Key("data");
}

void Complete(ApiData& data) {
  if (!data.in_envelope) {
    JsonWriter json;
    json.Reserve(data.json.size() + 64);
    BeginEnvelope(json);
    json.Raw(data.json);
    data.json = json.Take();
    data.in_envelope = true;
  }
  std::string& last = data.more.empty() ? data.json : data.more.back();
  JsonWriter json(std::move(last));
  WriteNotes(json, "warnings", "warning", data.warnings);
  WriteNotes(json, "infos", "info", data.infos);
  json.EndObject();
  last = json.Take();
}

std::string Envelope(const ApiError& error) {
  JsonWriter json;
  json.BeginObject();
  json.Key("status");
  json.String("error");
  json.Key("errorType");
  json.String(ToString(error.type));
  json.Key("error");
  json.String(error.message);
  json.EndObject();
  return json.Take();
}

}  // namespace barograph::web
