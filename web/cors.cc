#include "web/cors.h"

namespace barograph::web {

Result<CorsPolicy> CorsPolicy::Make(const std::string& origin_pattern) {
  return CorsPolicy(TRY(Regex::Compile(origin_pattern)));
}

void CorsPolicy::Apply(const net::HttpRequest& request, net::HttpResponse& response) const {
  response.headers.Add("Vary", "Origin");
  const std::string_view origin = request.headers.Get("Origin");
  if (origin.empty()) return;
  response.headers.Add("Access-Control-Allow-Headers",
                       "Accept, Authorization, Content-Type, Origin");
  response.headers.Add("Access-Control-Allow-Methods", "GET, POST, OPTIONS");
  response.headers.Add("Access-Control-Expose-Headers", "Date");
  if (origin_->pattern() == ".*") {
    response.headers.Add("Access-Control-Allow-Origin", "*");
  } else if (origin_->Matches(origin)) {
    response.headers.Add("Access-Control-Allow-Origin", std::string(origin));
  }
}

}  // namespace barograph::web
