#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "net/body_buffer.h"
#include "net/http_message.h"

namespace barograph::net {

struct ResponseLimits {
  size_t max_header_bytes = 64 << 10;
  uint64_t max_body_bytes = 0;        ///< of the decoded body; 0 is none
  bool answers_head_request = false;  ///< no body follows
};

/// Parses one HTTP/1 response from bytes as they come, its body (plain, chunked or up to the end of
/// the connection) into a buffer. Content encodings are left as they are; the body limit is
/// applied with some slack, for a compressed body may be a little larger than what it decodes to.
class ResponseReader {
 public:
  ResponseReader(ResponseLimits limits, BodyPool::Lease body);
  ~ResponseReader();

  /// Consumes what it can of `bytes`. Errors: LimitExceeded, Corruption (not HTTP).
  Status Parse(BodyBuffer& bytes);
  /// The connection ended. Unavailable (EOF) unless that ends the response.
  Status ParseEnd();

  bool got_some() const;  ///< at least one byte has come
  bool header_done() const;
  bool done() const;
  int status() const;
  /// Whether the connection may serve another request: both sides keep it, and nothing that was
  /// not asked for followed the response.
  bool keep_alive() const;

  /// For the response after an informational one (1xx).
  void StartOver();

  HttpHeaders TakeHeaders();
  BodyPool::Lease TakeBody() { return std::move(body_); }

 private:
  struct Parser;
  ResponseLimits limits_;
  BodyPool::Lease body_;
  std::unique_ptr<Parser> parser_;
  bool surplus_ = false;
};

}  // namespace barograph::net
