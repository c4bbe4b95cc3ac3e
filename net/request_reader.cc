#include "net/request_reader.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace barograph::net {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;

/// A chunk's extensions or a trailer may be no longer than this and the headers together.
constexpr size_t kMaxUnparsedBytes = 64 << 10;

int RefusalOf(const error_code& error) {
  if (error == http::error::header_limit) return 431;
  if (error == http::error::body_limit) return 413;
  return 400;
}

/// The path and query of a request target, which a proxy's client writes as a whole URL.
std::string_view OriginForm(std::string_view target) {
  if (target.starts_with('/') || target.find("://") == target.npos) return target;
  const size_t path = target.find('/', target.find("://") + 3);
  return path == target.npos ? "/" : target.substr(path);
}

}  // namespace

struct RequestReader::Parser {
  http::request_parser<http::string_body> http;
};

RequestReader::RequestReader(RequestLimits limits)
    : limits_(limits), parser_(std::make_unique<Parser>()) {
  parser_->http.eager(true);
  parser_->http.header_limit(
      static_cast<uint32_t>(std::min<size_t>(limits.max_header_bytes, 1u << 30)));
  parser_->http.body_limit(limits.max_body_bytes);
}

RequestReader::~RequestReader() = default;

int RequestReader::Parse(BodyBuffer& bytes) {
  if (bytes.size() == 0 || done()) return 0;
  auto& parser = parser_->http;
  error_code error;
  const size_t used = parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  if (error && error != http::error::need_more) return RefusalOf(error);
  bytes.Consume(used);
  if (!done() && bytes.size() > limits_.max_header_bytes + kMaxUnparsedBytes) return 431;
  if (!parser.is_header_done()) return 0;
  if (parser.content_length().value_or(0) > limits_.max_body_bytes) return 413;
  const bool needs_host = parser.get().version() >= 11;
  return needs_host && parser.get().count(http::field::host) != 1 ? 400 : 0;
}

bool RequestReader::got_some() const { return parser_->http.got_some(); }
bool RequestReader::done() const { return parser_->http.is_done(); }
uint64_t RequestReader::body_bytes() const { return parser_->http.get().body().size(); }
bool RequestReader::keep_alive() const { return parser_->http.keep_alive(); }
bool RequestReader::is_http10() const { return parser_->http.get().version() < 11; }

bool RequestReader::expects_continue() const {
  return parser_->http.is_header_done() && !done() && !is_http10() &&
         EqualsIgnoreCase(parser_->http.get()[http::field::expect], "100-continue");
}

HttpRequest RequestReader::Take() {
  auto& message = parser_->http.get();
  HttpRequest request;
  request.method = message.method_string();
  request.target = message.target();
  const std::string_view target = OriginForm(request.target);
  const size_t question = std::min(target.find('?'), target.size());
  request.path = PathDecode(target.substr(0, question));
  request.query = FormValues::Parse(target.substr(std::min(question + 1, target.size())));
  for (const auto& field : message)
    request.headers.Add(std::string(field.name_string()), std::string(field.value()));
  request.body = std::move(message.body());
  return request;
}

}  // namespace barograph::net
