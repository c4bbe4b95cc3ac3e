#include "server/listen_url.h"

#include <fmt/format.h>

#include <string_view>

namespace barograph::server {
namespace {

std::string Reachable(const std::string& listen_address) {
  const size_t colon = listen_address.rfind(':');
  const std::string host = listen_address.substr(0, colon);
  const std::string port = colon == std::string::npos ? "9090" : listen_address.substr(colon + 1);
  for (const std::string_view any : {"", "0.0.0.0", "[::]"}) {
    if (host == any) return "localhost:" + port;
  }
  return host + ":" + port;
}

}  // namespace

std::string RoutePrefix(const ServerOptions& options) {
  std::string prefix = options.route_prefix;
  if (prefix.empty()) {
    const size_t scheme = options.external_url.find("://");
    const size_t path =
        scheme == std::string::npos ? scheme : options.external_url.find('/', scheme + 3);
    if (path != std::string::npos) prefix = options.external_url.substr(path);
  }
  while (prefix.ends_with('/')) prefix.pop_back();
  if (!prefix.empty() && !prefix.starts_with('/')) prefix.insert(0, "/");
  return prefix;
}

SelfTarget SelfTargetOf(const ServerOptions& options, const std::string& listen_address) {
  return {Reachable(listen_address), RoutePrefix(options) + "/metrics"};
}

std::string BrowserUrl(const ServerOptions& options, const std::string& listen_address) {
  return fmt::format("http://{}{}/", Reachable(listen_address), RoutePrefix(options));
}

}  // namespace barograph::server
