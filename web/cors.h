#pragma once

#include <memory>
#include <string>

#include "base/model/regex.h"
#include "base/result.h"
#include "net/http_server.h"

namespace barograph::web {

/// Which pages of other origins may call the API (--web.cors.origin). Thread-safe.
class CorsPolicy {
 public:
  /// InvalidArgument when the expression does not compile.
  static Result<CorsPolicy> Make(const std::string& origin_pattern);

  void Apply(const net::HttpRequest& request, net::HttpResponse& response) const;

 private:
  explicit CorsPolicy(std::shared_ptr<const Regex> origin) : origin_(std::move(origin)) {}
  std::shared_ptr<const Regex> origin_;
};

}  // namespace barograph::web
