#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/result.h"
#include "net/body_buffer.h"
#include "net/http_message.h"

namespace barograph::net {

struct ResponseLimits {
  size_t max_header_bytes = 64 << 10;
  uint64_t max_body_bytes = 0;        ///< of the decoded body; 0 is none
  bool answers_head_request = false;  ///< no body follows
};

/// Parses one HTTP/1 response from bytes as they come. A body of known length stays where it was
/// read, behind the header: nothing is copied. One that is chunked, or ends with the connection, is
/// gathered in a second buffer. Content encodings are left as they are; the body limit is applied
/// with some slack, for a compressed body may be a little larger than what it decodes to.
///
/// Read into Room(), then say with Parse() how much came, until done().
class ResponseReader {
 public:
  /// A body, and the buffer that it lies in.
  struct Body {
    BodyPool::Lease storage;
    std::string_view bytes;
  };

  ResponseReader(ResponseLimits limits, std::shared_ptr<BodyPool> buffers);
  ~ResponseReader();

  /// Where the next bytes go: as many as are known to come, where there is memory for them.
  std::span<char> Room();
  /// `count` bytes have been written to Room(). Errors: LimitExceeded, Corruption (not HTTP).
  Status Parse(size_t count);
  /// The connection ended. Unavailable (EOF) unless that ends the response.
  Status ParseEnd();

  bool got_some() const;  ///< at least one byte has come
  bool header_done() const;
  bool done() const;
  int status() const;
  /// Whether the connection may serve another request: both sides keep it, and nothing that was
  /// not asked for followed the response.
  bool keep_alive() const;

  /// For the response after an informational one (1xx); parses what came with it.
  Status StartOver();

  HttpHeaders TakeHeaders();
  Body TakeBody();

 private:
  struct Parser;
  bool in_place() const;
  void MakeParser();

  const ResponseLimits limits_;
  const std::shared_ptr<BodyPool> buffers_;
  BodyPool::Lease received_;
  size_t parsed_ = 0;       // bytes at the front of received_ that the parser has seen
  size_t body_offset_ = 0;  // in received_, when the body is in place
  std::unique_ptr<Parser> parser_;
  bool surplus_ = false;
};

}  // namespace barograph::net
