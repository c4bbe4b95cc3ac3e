#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/body_buffer.h"
#include "net/http_message.h"
#include "net/url.h"

/// An HTTP/1.1 client that keeps its connection. One HttpClient is one conversation with one
/// server after another, as a scrape loop has: it lives on one I/O thread.
namespace barograph::net {

namespace asio = boost::asio;

struct HttpClientRequest {
  std::string method = "GET";
  Url url;
  HttpHeaders headers;  ///< Host, Content-Length and Connection are the client's
  std::string body;
  std::chrono::milliseconds timeout{std::chrono::seconds(10)};  ///< for all of it
  uint64_t max_body_bytes = 0;  ///< of the decoded body, 0 is none; over it: LimitExceeded
  size_t max_header_bytes = 64 << 10;
  bool follow_redirects = true;  ///< at most 10
};

/// A response with its decoded (gzip) body. The body lives as long as the response does; its
/// memory then serves the next request on the same I/O thread, so keep a response no longer than
/// it is needed. Must end on the client's thread.
struct HttpClientResponse {
  int status = 0;
  HttpHeaders headers;
  std::string_view body;
  BodyPool::Lease storage;  ///< where `body` lies
};

class HttpClient {
 public:
  explicit HttpClient(asio::io_context& context);
  /// A Send that is under way returns Cancelled.
  ~HttpClient();

  /// Sends and receives; one at a time. `request` must live until it returns. An idempotent
  /// request for which a kept connection turns out to be closed is tried once more on a new one.
  /// Errors read as those of Go's client, which users of Prometheus know: Timeout (`context
  /// deadline exceeded`), Unavailable (resolve, connect, reset, EOF; the message names the
  /// address), LimitExceeded (body), InvalidArgument (the request), Corruption (not HTTP, bad
  /// gzip), Cancelled. What goes wrong before there is a response begins with `Get "URL": `. After
  /// an error the connection is closed. Does not throw when the calling coroutine is cancelled.
  asio::awaitable<Result<HttpClientResponse>> Send(const HttpClientRequest& request);

  /// Closes the connection; a Send that is under way returns Cancelled. Without it, or the client's
  /// end, a timer keeps the context at work for as long as the last request might have taken.
  void Close();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace barograph::net
