#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "net/http_server.h"

namespace barograph::web {

/// What a path has where its pattern has :name or *name.
using RouteParams = std::map<std::string, std::string>;

/// Finds the handler of a request by method and path. Filled first, then read by many threads.
class Router {
 public:
  using Handler = std::function<boost::asio::awaitable<net::HttpResponse>(const net::HttpRequest&,
                                                                          const RouteParams&)>;

  /// A pattern's segments are text, :name for any one segment that is not empty, or, at the end,
  /// *name for all the rest. Of two patterns that match, the one added first wins. GET serves
  /// HEAD too.
  void Add(std::initializer_list<std::string_view> methods, std::string_view pattern,
           Handler handler);

  /// Runs the handler. Else 405 where only the method is wrong, a redirect where only a slash at
  /// the end is too many or too few, 404.
  boost::asio::awaitable<net::HttpResponse> Serve(const net::HttpRequest& request) const;

 private:
  struct Route {
    std::vector<std::string> methods;
    std::vector<std::string> segments;
    Handler handler;
  };
  struct Found {
    const Route* route = nullptr;
    RouteParams params;
    std::vector<std::string_view> other_methods;  // of routes that match but for the method
  };
  Found Find(std::string_view method, std::string_view path) const;

  std::vector<Route> routes_;
};

/// A short answer in plain text.
net::HttpResponse TextResponse(int status, std::string text);

/// A redirect (302 unless another status is given).
net::HttpResponse Redirect(std::string location, int status = 302);

}  // namespace barograph::web
