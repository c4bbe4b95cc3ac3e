#include "web/router.h"

#include <algorithm>
#include <optional>
#include <set>

namespace barograph::web {
namespace {

/// "/a/b" is {"a", "b"}; "/a/" is {"a", ""}.
std::vector<std::string> Split(std::string_view path) {
  std::vector<std::string> segments;
  path.remove_prefix(path.starts_with('/') ? 1 : 0);
  for (;;) {
    const size_t slash = path.find('/');
    segments.emplace_back(path.substr(0, slash));
    if (slash == path.npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

std::string Join(const std::vector<std::string>& segments, size_t first) {
  std::string joined;
  for (size_t i = first; i < segments.size(); ++i) joined += "/" + segments[i];
  return joined;
}

std::optional<RouteParams> Match(const std::vector<std::string>& pattern,
                                 const std::vector<std::string>& path) {
  RouteParams params;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const std::string& want = pattern[i];
    if (want.starts_with('*')) {
      if (i >= path.size()) return std::nullopt;
      params.emplace(want.substr(1), Join(path, i));
      return params;
    }
    if (i >= path.size()) return std::nullopt;
    if (want.starts_with(':')) {
      if (path[i].empty()) return std::nullopt;
      params.emplace(want.substr(1), path[i]);
    } else if (want != path[i]) {
      return std::nullopt;
    }
  }
  if (pattern.size() != path.size()) return std::nullopt;
  return params;
}

std::string OtherSlash(std::string_view path) {
  if (path.size() > 1 && path.ends_with('/')) return std::string(path.substr(0, path.size() - 1));
  return std::string(path) + "/";
}

net::HttpResponse MethodNotAllowed(const std::vector<std::string_view>& methods) {
  std::set<std::string_view> sorted(methods.begin(), methods.end());
  sorted.insert("OPTIONS");
  std::string allowed;
  for (const auto method : sorted) allowed.append(allowed.empty() ? "" : ", ").append(method);
  auto response = TextResponse(405, "Method Not Allowed\n");
  response.headers.Add("Allow", allowed);
  return response;
}

}  // namespace

net::HttpResponse TextResponse(int status, std::string text) {
  net::HttpResponse response;
  response.status = status;
  response.headers.Add("Content-Type", "text/plain; charset=utf-8");
  response.headers.Add("X-Content-Type-Options", "nosniff");
  response.body = std::move(text);
  return response;
}

net::HttpResponse Redirect(std::string location, int status) {
  net::HttpResponse response;
  response.status = status;
  response.headers.Add("Location", std::move(location));
  return response;
}

void Router::Add(std::initializer_list<std::string_view> methods, std::string_view pattern,
                 Handler handler) {
  routes_.push_back({{methods.begin(), methods.end()}, Split(pattern), std::move(handler)});
}

Router::Found Router::Find(std::string_view method, std::string_view path) const {
  const auto segments = Split(path);
  Found found;
  for (const auto& route : routes_) {
    auto params = Match(route.segments, segments);
    if (!params) continue;
    const bool serves = std::ranges::any_of(route.methods, [&](const std::string& m) {
      return m == method || (m == "GET" && method == "HEAD");
    });
    if (serves) return {&route, std::move(*params), {}};
    if (route.methods == std::vector<std::string>{"OPTIONS"}) continue;  // asks what there is
    found.other_methods.insert(found.other_methods.end(), route.methods.begin(),
                               route.methods.end());
  }
  return found;
}

boost::asio::awaitable<net::HttpResponse> Router::Serve(const net::HttpRequest& request) const {
  const Found found = Find(request.method, request.path);
  if (found.route != nullptr) co_return co_await found.route->handler(request, found.params);
  if (!found.other_methods.empty()) co_return MethodNotAllowed(found.other_methods);
  const std::string other = OtherSlash(request.path);
  const bool only_a_slash = request.path != "/" && !request.path.starts_with("//") &&
                            Find(request.method, other).route != nullptr;
  if (only_a_slash) co_return Redirect(other, request.method == "GET" ? 301 : 308);
  co_return TextResponse(404, "404 page not found\n");
}

}  // namespace barograph::web
