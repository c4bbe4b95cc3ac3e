#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "net/http_message.h"
#include "net/runtime.h"

/// An HTTP/1.1 server with limits. The program gives it one handler, which runs as a coroutine on
/// the connection's I/O thread.
namespace barograph::net {

/// A request as the handler sees it: whole, body read and, where it was compressed, as sent.
struct HttpRequest {
  std::string method;
  std::string target;  ///< path and query as sent
  std::string path;    ///< decoded, without the query
  FormValues query;    ///< of the URL
  HttpHeaders headers;
  std::string body;
  std::string remote_address;
  std::stop_token stop;  ///< set when the client goes away or the server stops

  /// The values of a form body, where method and content type say it is one, then the URL's: so a
  /// body's value wins over the URL's, as in Go.
  FormValues Form() const;
};

using HttpHandler = std::function<asio::awaitable<HttpResponse>(const HttpRequest&)>;

/// Compresses the body (gzip or deflate) where the request's Accept-Encoding allows it, the body
/// has at least `min_bytes` and no encoding yet. The server does this with every response; a
/// handler that makes a large body on a pool does it there first, so that the I/O thread need not.
void EncodeBody(const HttpRequest& request, HttpResponse& response, size_t min_bytes = 1024);

/// Each limit answers with its own status: 431 headers, 413 a body, 503 with Retry-After all bodies
/// together. Over max_connections, further connections wait in the listen queue.
struct HttpServerOptions {
  /// host:port; port 0 is any free, an empty host every address of the machine.
  std::vector<std::string> listen_addresses = {"0.0.0.0:9090"};
  size_t max_connections = 512;
  size_t max_header_bytes = 64 << 10;
  uint64_t max_body_bytes = 64 << 20;
  /// Of the bodies that all connections hold together; one that there is no room for is refused
  /// with 503. Those of up to 64 KiB do not count.
  uint64_t max_buffered_body_bytes = uint64_t{256} << 20;
  /// For a request to arrive, for an idle connection to stay, and for a client to take the next
  /// piece of its response.
  std::chrono::milliseconds read_timeout{std::chrono::minutes(5)};
  size_t gzip_min_bytes = 1024;  ///< smaller bodies are sent as they are
};

/// Keeps connections alive; takes pipelined requests one by one. HEAD is answered as GET without
/// the body. An exception out of the handler is answered with 500.
class HttpServer {
 public:
  HttpServer(Runtime& runtime, HttpServerOptions options, HttpHandler handler, Logger logger);
  /// Precondition: Stop was called, or Start was not.
  ~HttpServer();

  /// Binds and listens. Io names the address when it cannot be had. The runtime must be started.
  Status Start();

  /// host:port of each listener, with the real port.
  std::vector<std::string> addresses() const;
  size_t open_connections() const;

  /// What requests hold of max_buffered_body_bytes, and how many were refused for it.
  uint64_t buffered_body_bytes() const;
  uint64_t refused_bodies() const;

  /// Stops accepting, lets running requests finish for at most `grace`, then sets their stop
  /// tokens, closes their connections and waits for their handlers, for a few seconds at most.
  /// Blocks; called from outside the runtime's threads, while the runtime runs.
  void Stop(std::chrono::milliseconds grace);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace barograph::net
