#pragma once

#include <cstdint>
#include <memory>

#include "net/body_buffer.h"
#include "net/http_server.h"

namespace barograph::net {

struct RequestLimits {
  size_t max_header_bytes = 64 << 10;
  uint64_t max_body_bytes = 64 << 20;
};

/// Parses one HTTP/1 request from bytes as they come.
class RequestReader {
 public:
  explicit RequestReader(RequestLimits limits);
  ~RequestReader();

  /// Consumes what it can of `bytes`. 0, or the status to refuse the request with.
  int Parse(BodyBuffer& bytes);

  bool got_some() const;  ///< at least one byte has come
  bool done() const;
  /// Whether the client waits for a word before it sends the body.
  bool expects_continue() const;
  uint64_t body_bytes() const;  ///< that have come
  bool keep_alive() const;
  bool is_http10() const;

  /// Precondition: done().
  HttpRequest Take();

 private:
  struct Parser;
  RequestLimits limits_;
  std::unique_ptr<Parser> parser_;
};

}  // namespace barograph::net
