#include "net/response_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/optional.hpp>

#include "base/model/number.h"

namespace barograph::net {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

/// A chunk's extensions or a trailer may be no longer than this and the headers together.
constexpr size_t kMaxUnparsedBytes = 64 << 10;
constexpr size_t kMaxReserveBytes = 16 << 20;  // of what a Content-Length promises

/// What a Beast parser calls a body: here, a buffer of ours to append to.
struct PooledBody {
  struct value_type {
    BodyBuffer* buffer = nullptr;
    uint64_t limit = UINT64_MAX;
  };

  class reader {
   public:
    template <bool IsRequest, class Fields>
    reader(http::header<IsRequest, Fields>&, value_type& sink) : sink_(sink) {}

    void init(const boost::optional<uint64_t>& length, error_code& error) {
      error = {};
      if (length) sink_.buffer->Reserve(std::min<uint64_t>(*length, kMaxReserveBytes));
    }

    template <class Buffers>
    size_t put(const Buffers& buffers, error_code& error) {
      error = {};
      size_t taken = 0;
      for (auto it = boost::asio::buffer_sequence_begin(buffers);
           it != boost::asio::buffer_sequence_end(buffers); ++it) {
        const boost::asio::const_buffer part = *it;
        if (part.size() > sink_.limit - sink_.buffer->size()) {
          error = http::error::body_limit;
          return taken;
        }
        sink_.buffer->Append(part.data(), part.size());
        taken += part.size();
      }
      return taken;
    }

    void finish(error_code& error) { error = {}; }

   private:
    value_type& sink_;
  };
};

uint64_t EncodedLimit(uint64_t max_body_bytes) {
  if (max_body_bytes == 0 || max_body_bytes > UINT64_MAX / 2) return UINT64_MAX;
  return max_body_bytes + max_body_bytes / 1024 + (64 << 10);
}

Error Describe(const error_code& error, std::string_view bytes) {
  if (error == http::error::body_limit)
    return {ErrorCode::kLimitExceeded, "body size limit exceeded"};
  if (error == http::error::header_limit)
    return {ErrorCode::kLimitExceeded, "response header size limit exceeded"};
  if (error == http::error::bad_version || error == http::error::bad_status) {
    const std::string_view line =
        bytes.substr(0, std::min<size_t>(bytes.find_first_of("\r\n"), 64));
    return {ErrorCode::kCorruption, "malformed HTTP response " + Quote(line)};
  }
  return {ErrorCode::kCorruption, "malformed HTTP response: " + error.message()};
}

}  // namespace

struct ResponseReader::Parser {
  http::response_parser<PooledBody> http;
};

ResponseReader::ResponseReader(ResponseLimits limits, BodyPool::Lease body)
    : limits_(limits), body_(std::move(body)) {
  StartOver();
}

ResponseReader::~ResponseReader() = default;

void ResponseReader::StartOver() {
  parser_ = std::make_unique<Parser>();
  auto& parser = parser_->http;
  parser.eager(true);
  parser.header_limit(static_cast<uint32_t>(std::min<size_t>(limits_.max_header_bytes, 1u << 30)));
  parser.body_limit(boost::none);
  parser.skip(limits_.answers_head_request);
  parser.get().body() = {&*body_, EncodedLimit(limits_.max_body_bytes)};
}

Status ResponseReader::Parse(BodyBuffer& bytes) {
  if (bytes.size() == 0 || done()) return {};
  error_code error;
  const size_t used =
      parser_->http.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  if (error && error != http::error::need_more)
    return std::unexpected(Describe(error, bytes.view()));
  if (parser_->http.is_header_done() && !limits_.answers_head_request &&
      parser_->http.content_length().value_or(0) > EncodedLimit(limits_.max_body_bytes))
    return std::unexpected(Describe(http::error::body_limit, {}));
  bytes.Consume(used);
  surplus_ = done() && bytes.size() > 0;
  if (!done() && bytes.size() > limits_.max_header_bytes + kMaxUnparsedBytes)
    return Fail(ErrorCode::kCorruption, "malformed HTTP response: endless chunk header");
  return {};
}

Status ResponseReader::ParseEnd() {
  if (!got_some()) return Fail(ErrorCode::kUnavailable, "EOF");
  error_code error;
  parser_->http.put_eof(error);
  if (error || !done()) return Fail(ErrorCode::kUnavailable, "unexpected EOF");
  return {};
}

bool ResponseReader::got_some() const { return parser_->http.got_some(); }
bool ResponseReader::header_done() const { return parser_->http.is_header_done(); }
bool ResponseReader::done() const { return parser_->http.is_done(); }
int ResponseReader::status() const { return static_cast<int>(parser_->http.get().result_int()); }
bool ResponseReader::keep_alive() const { return parser_->http.keep_alive() && !surplus_; }

HttpHeaders ResponseReader::TakeHeaders() {
  HttpHeaders headers;
  for (const auto& field : parser_->http.get())
    headers.Add(std::string(field.name_string()), std::string(field.value()));
  return headers;
}

}  // namespace barograph::net
