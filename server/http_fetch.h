#pragma once

#include <chrono>
#include <string>

#include "base/result.h"

namespace barograph::server {

struct FetchedPage {
  int status = 0;
  std::string body;
};

/// Gets `url` and waits for it, on a thread of the caller's own. Errors are HttpClient's.
Result<FetchedPage> HttpFetch(const std::string& url, std::chrono::milliseconds timeout);

}  // namespace barograph::server
