#include "net/response_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/optional.hpp>
#include <optional>
#include <utility>

#include "base/model/number.h"

namespace barograph::net {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

/// A chunk's extensions or a trailer may be no longer than this and the headers together.
constexpr size_t kMaxUnparsedBytes = 64 << 10;
constexpr size_t kReadBytes = 64 << 10;        // of a response of which nothing is known
constexpr size_t kMaxReserveBytes = 16 << 20;  // of what a Content-Length promises

/// Where a body goes.
struct BodySink {
  std::shared_ptr<BodyPool> buffers;
  uint64_t limit = UINT64_MAX;
  uint64_t size = 0;
  const char* begin = nullptr;              // of a body in place, as the parser shows it first
  std::optional<BodyPool::Lease> gathered;  // the other ones
};

/// What a Beast parser calls a body: bytes that stay where they are, or are gathered.
struct SunkBody {
  using value_type = BodySink;

  class reader {
   public:
    template <bool IsRequest, class Fields>
    reader(http::header<IsRequest, Fields>&, value_type& sink) : sink_(sink) {}

    void init(const boost::optional<uint64_t>& length, error_code& error) {
      error = {};
      if (!length) sink_.gathered.emplace(sink_.buffers->Take());
    }

    template <class Buffers>
    size_t put(const Buffers& buffers, error_code& error) {
      error = {};
      size_t taken = 0;
      for (auto it = boost::asio::buffer_sequence_begin(buffers);
           it != boost::asio::buffer_sequence_end(buffers); ++it) {
        const boost::asio::const_buffer part = *it;
        if (part.size() > sink_.limit - sink_.size) {
          error = http::error::body_limit;
          return taken;
        }
        if (sink_.gathered) {
          (*sink_.gathered)->Append(part.data(), part.size());
        } else if (sink_.begin == nullptr) {
          sink_.begin = static_cast<const char*>(part.data());
        }
        sink_.size += part.size();
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
  http::response_parser<SunkBody> http;
  BodySink& sink() { return http.get().body(); }
};

ResponseReader::ResponseReader(ResponseLimits limits, std::shared_ptr<BodyPool> buffers)
    : limits_(limits), buffers_(std::move(buffers)), received_(buffers_->Take()) {
  MakeParser();
}

ResponseReader::~ResponseReader() = default;

void ResponseReader::MakeParser() {
  parser_ = std::make_unique<Parser>();
  auto& parser = parser_->http;
  parser.eager(true);
  parser.header_limit(static_cast<uint32_t>(std::min<size_t>(limits_.max_header_bytes, 1u << 30)));
  parser.body_limit(boost::none);
  parser.skip(limits_.answers_head_request);
  parser_->sink().buffers = buffers_;
  parser_->sink().limit = EncodedLimit(limits_.max_body_bytes);
}

Status ResponseReader::StartOver() {
  MakeParser();
  return Parse(0);
}

bool ResponseReader::in_place() const { return parser_->sink().begin != nullptr; }

std::span<char> ResponseReader::Room() {
  size_t wanted = kReadBytes;
  if (in_place()) {
    const uint64_t missing = parser_->http.content_length_remaining().value_or(0);
    wanted = std::clamp<uint64_t>(missing, 1, kMaxReserveBytes);
  }
  return received_->Prepare(wanted);
}

Status ResponseReader::Parse(size_t count) {
  BodyBuffer& bytes = *received_;
  bytes.Commit(count);
  if (bytes.size() == parsed_ || done()) return {};
  const bool was_in_place = in_place();
  error_code error;
  const boost::asio::const_buffer unparsed(bytes.data() + parsed_, bytes.size() - parsed_);
  parsed_ += parser_->http.put(unparsed, error);
  if (error && error != http::error::need_more)
    return std::unexpected(Describe(error, bytes.view()));
  if (parser_->http.is_header_done() && !limits_.answers_head_request &&
      parser_->http.content_length().value_or(0) > EncodedLimit(limits_.max_body_bytes))
    return std::unexpected(Describe(http::error::body_limit, {}));
  if (!in_place()) {
    bytes.Consume(std::exchange(parsed_, 0));
  } else if (!was_in_place) {
    body_offset_ = static_cast<size_t>(parser_->sink().begin - bytes.data());
  }
  surplus_ = done() && bytes.size() > parsed_;
  if (!done() && bytes.size() - parsed_ > limits_.max_header_bytes + kMaxUnparsedBytes)
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

ResponseReader::Body ResponseReader::TakeBody() {
  BodySink& sink = parser_->sink();
  if (sink.gathered) {
    const std::string_view bytes = (*sink.gathered)->view();
    return {*std::move(sink.gathered), bytes};
  }
  const std::string_view bytes = received_->view().substr(body_offset_, sink.size);
  return {std::move(received_), bytes};
}

}  // namespace barograph::net
