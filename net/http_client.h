#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http_message.h"
#include "net/runtime.h"

/// An HTTP/1.1 client that keeps its connection. One HttpClient is one conversation with one
/// server after another, as a scrape loop has: it lives on one I/O thread.
namespace barograph::net {

struct Url {
  std::string scheme;  ///< http or https
  std::string host;    ///< without brackets
  std::string port;    ///< a number, filled in from the scheme
  std::string target;  ///< path and query, at least "/"

  /// InvalidArgument names what is wrong.
  static Result<Url> Parse(std::string_view text);
  std::string ToString() const;
  /// host:port as the Host header wants it: brackets around IPv6, no default port.
  std::string Authority() const;
};

struct HttpClientRequest {
  std::string method = "GET";
  Url url;
  HttpHeaders headers;
  std::string body;
  std::chrono::milliseconds timeout{std::chrono::seconds(10)};  ///< for all of it
  uint64_t max_body_bytes = 0;  ///< of the decoded body, 0 is none; over it: LimitExceeded
  bool follow_redirects = true;
};

/// A response whose body lies in the client's buffer, decoded (gzip), until the next Send.
struct HttpClientResponse {
  int status = 0;
  HttpHeaders headers;
  std::string_view body;
};

class HttpClient {
 public:
  explicit HttpClient(asio::io_context& context);
  ~HttpClient();

  /// Sends and receives. A kept connection that the server closed meanwhile is tried once more
  /// on a new one. Errors: Timeout, Unavailable (resolve, connect, reset; the message names the
  /// address), LimitExceeded (body), InvalidArgument (URL), Corruption (not HTTP, bad gzip),
  /// Cancelled. After an error the connection is closed.
  asio::awaitable<Result<HttpClientResponse>> Send(const HttpClientRequest& request);

  void Close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace barograph::net
