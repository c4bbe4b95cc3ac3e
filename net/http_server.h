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

  /// The URL's values, then those of a form body where the content type says it is one.
  FormValues Form() const;
};

using HttpHandler = std::function<asio::awaitable<HttpResponse>(const HttpRequest&)>;

/// Each limit answers with its own status: 431 headers, 413 body; over max_connections, further
/// connections wait in the listen queue.
struct HttpServerOptions {
  std::vector<std::string> listen_addresses = {"0.0.0.0:9090"};  ///< host:port; port 0 is any free
  size_t max_connections = 512;
  size_t max_header_bytes = 64 << 10;
  uint64_t max_body_bytes = 64 << 20;
  std::chrono::milliseconds read_timeout{std::chrono::minutes(5)};
  size_t gzip_min_bytes = 1024;  ///< smaller bodies are sent as they are
};

/// Compresses responses (gzip or deflate, by Accept-Encoding). Keeps connections alive. HEAD is
/// answered as GET without the body. An exception out of the handler is answered with 500.
class HttpServer {
 public:
  HttpServer(Runtime& runtime, HttpServerOptions options, HttpHandler handler, Logger logger);
  ~HttpServer();

  /// Binds and listens. Io names the address when it cannot be had. The runtime must be started.
  Status Start();

  /// host:port of each listener, with the real port.
  std::vector<std::string> addresses() const;
  size_t open_connections() const;

  /// Stops accepting, lets running requests finish for at most `grace`, then cancels them. Blocks;
  /// called from outside the runtime's threads.
  void Stop(std::chrono::milliseconds grace);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace barograph::net
