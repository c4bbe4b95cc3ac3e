#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <map>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/http_message.h"

/// What the handlers of /api/v1 take and give, and the envelope around it (Prometheus, "HTTP API",
/// "Format overview").
namespace barograph::web {

class JsonWriter;

/// The errorType of a failure; each has an HTTP status.
enum class ApiErrorType : uint8_t {
  kBadData,
  kExecution,
  kCanceled,
  kTimeout,
  kInternal,
  kNotFound,
  kUnavailable,
};
std::string_view ToString(ApiErrorType type);
int StatusOf(ApiErrorType type);

struct ApiError {
  ApiErrorType type = ApiErrorType::kInternal;
  std::string message;
};

/// A success: its data, which is JSON, and what to tell beside it.
struct ApiData {
  std::string json;                    ///< empty: there is nothing to say, which is status 204
  std::vector<std::string> more = {};  ///< of the JSON: pieces behind it
  /// Whether `json` has the envelope's begin in front already (BeginEnvelope): what is long is then
  /// not copied into one.
  bool in_envelope = false;
  std::vector<std::string> warnings;
  std::vector<std::string> infos;
};

using ApiResult = std::expected<ApiData, ApiError>;

struct ApiRequest {
  net::FormValues form;                       ///< of the body and the URL
  net::FormValues url;                        ///< of the URL alone
  std::map<std::string, std::string> params;  ///< of the path: /label/:name/values
  std::chrono::nanoseconds queued{0};         ///< how long it waited for a thread
  std::string method;
  std::string path;    ///< with the prefix
  std::string client;  ///< the address, without port
  std::stop_token stop;
};

std::unexpected<ApiError> ApiFail(ApiErrorType type, std::string message);
/// `invalid parameter "name": why`, a bad_data error.
std::unexpected<ApiError> InvalidParameter(std::string_view name, std::string_view why);

/// Writes the envelope of a success up to its data, which comes next.
void BeginEnvelope(JsonWriter& json);
/// Puts what is JSON of the data only into {"status": ..., "data": ...}; of the notes, at most ten
/// of a kind are shown.
void Complete(ApiData& data);
/// {"status": ..., "errorType": ..., "error": ...}.
std::string Envelope(const ApiError& error);

}  // namespace barograph::web
