#include "net/http_session.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <ctime>
#include <optional>

#include "net/compression.h"
#include "net/listen_address.h"
#include "net/request_reader.h"

namespace barograph::net {
namespace {

using asio::ip::tcp;
using boost::system::error_code;

constexpr size_t kMaxLingerBytes = 1 << 20;
constexpr std::chrono::seconds kMaxLinger{2};
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr int kOver = -1;  // in place of a status

HttpResponse PlainText(int status, std::string text) {
  HttpResponse response;
  response.status = status;
  response.headers.Add("Content-Type", "text/plain; charset=utf-8");
  response.body = std::move(text);
  return response;
}

bool HasNoBody(int status) { return status == 204 || status == 304 || status < 200; }

/// A header value cannot end its line, whatever a handler put in.
std::string OneLine(std::string value) {
  std::ranges::replace_if(value, [](char c) { return c == '\r' || c == '\n'; }, ' ');
  return value;
}

std::string SerializeHead(const HttpResponse& response, std::string_view connection) {
  std::string head =
      fmt::format("HTTP/1.1 {} {}\r\nDate: {:%a, %d %b %Y %H:%M:%S} GMT\r\n", response.status,
                  ReasonPhrase(response.status), fmt::gmtime(std::time(nullptr)));
  for (const auto& [name, value] : response.headers.fields())
    head += fmt::format("{}: {}\r\n", name, OneLine(value));
  if (!HasNoBody(response.status))
    head += fmt::format("Content-Length: {}\r\n", response.body_bytes());
  if (!connection.empty()) head += fmt::format("Connection: {}\r\n", connection);
  return head + "\r\n";
}

}  // namespace

HttpSession::HttpSession(tcp::socket socket, std::shared_ptr<const SessionEnvironment> environment)
    : socket_(std::move(socket)),
      environment_(std::move(environment)),
      arrival_(socket_.get_executor(), asio::steady_timer::time_point::max()),
      deadline_(socket_.get_executor()) {
  error_code ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  socket_.non_blocking(true, ignored);
  remote_address_ = ToString(socket_.remote_endpoint(ignored));
}

void HttpSession::Start(std::function<void()> ended) {
  asio::co_spawn(socket_.get_executor(), Run(),
                 [self = shared_from_this(), ended = std::move(ended)](std::exception_ptr thrown) {
                   if (thrown)
                     self->environment_->logger.Error("A connection ended by an exception");
                   self->Close();
                   ended();
                 });
}

void HttpSession::Finish() {
  asio::dispatch(socket_.get_executor(), [self = shared_from_this()] {
    self->finishing_ = true;
    if (self->phase_ == Phase::kIdle) self->Close();
  });
}

void HttpSession::Cancel() {
  asio::dispatch(socket_.get_executor(), [self = shared_from_this()] {
    self->stop_.request_stop();
    self->Close();
  });
}

void HttpSession::Close() {
  phase_ = Phase::kClosed;
  ClearDeadline();
  deadline_.cancel();
  error_code ignored;
  socket_.close(ignored);
}

void HttpSession::SetDeadline() {
  deadline_.expires_after(environment_->options.read_timeout);
  deadline_.async_wait(
      [weak = weak_from_this(), generation = ++deadline_generation_](const error_code& cancelled) {
        const auto self = weak.lock();
        if (!cancelled && self && self->deadline_generation_ == generation) self->Close();
      });
}

asio::awaitable<void> HttpSession::Run() {
  while (co_await ServeOne()) {
  }
}

/// One request and its response; whether another may follow.
asio::awaitable<bool> HttpSession::ServeOne() {
  const auto& options = environment_->options;
  std::optional<RequestReader> reader(
      std::in_place, RequestLimits{options.max_header_bytes, options.max_body_bytes});
  std::optional<BodyBudget::Share> body(std::in_place, *environment_->bodies);
  const int status = co_await Read(*reader, *body);
  if (status == kOver) co_return false;
  if (status != 0) {
    reader.reset();  // a refused client may linger, but what it sent is not kept for it
    body.reset();
    co_return co_await Refuse(status);
  }
  HttpRequest request = reader->Take();
  request.remote_address = remote_address_;
  stop_ = std::stop_source();
  request.stop = stop_.get_token();
  if (read_error_) stop_.request_stop();
  StartRead();

  HttpResponse response = co_await Answer(request);
  EncodeBody(request, response, options.gzip_min_bytes);
  const bool keep = reader->keep_alive() && !finishing_;
  const std::string_view connection = !keep ? "close" : reader->is_http10() ? "keep-alive" : "";
  if (!co_await Send(response, request.method != "HEAD", connection)) co_return false;
  co_return keep && !finishing_;
}

/// 0 when the request is there, the status to refuse it with, or kOver when the connection is.
asio::awaitable<int> HttpSession::Read(RequestReader& reader, BodyBudget::Share& body) {
  phase_ = unparsed_.size() > 0 || arrived_bytes_ > 0 ? Phase::kReading : Phase::kIdle;
  SetDeadline();
  bool continued = false;
  for (;;) {
    const int refusal = reader.Parse(unparsed_);
    if (refusal != 0) co_return refusal;
    if (!body.GrowTo(reader.body_bytes())) co_return 503;
    if (reader.done()) break;
    if (reader.expects_continue() && !continued) {
      continued = true;
      std::array<asio::const_buffer, 1> go_on = {asio::buffer(kContinue)};
      if (!co_await Write(go_on)) co_return kOver;
    }
    if (!co_await AwaitInput()) co_return kOver;
    phase_ = Phase::kReading;
  }
  ClearDeadline();
  phase_ = Phase::kAnswering;
  co_return 0;
}

asio::awaitable<HttpResponse> HttpSession::Answer(const HttpRequest& request) {
  std::string failure;
  try {
    co_return co_await environment_->handler(request);
  } catch (const std::exception& exception) {
    failure = exception.what();
  }
  environment_->logger.Error("A request failed by an exception",
                             {{"path", request.path}, {"err", failure}});
  co_return PlainText(500, "internal error\n");
}

asio::awaitable<bool> HttpSession::Refuse(int status) {
  HttpResponse response = PlainText(status, fmt::format("{} {}", status, ReasonPhrase(status)));
  if (status == 503) response.headers.Add("Retry-After", "1");
  if (co_await Send(response, true, "close")) co_await Linger();
  co_return false;
}

/// Takes what a refused client still sends, for a while: closing on unread bytes would reset the
/// connection, and the client might never see why.
asio::awaitable<void> HttpSession::Linger() {
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  deadline_.expires_after(kMaxLinger);
  deadline_.async_wait([weak = weak_from_this()](const error_code& cancelled) {
    const auto self = weak.lock();
    if (!cancelled && self) self->Close();
  });
  for (size_t taken = 0; taken < kMaxLingerBytes && co_await AwaitInput();) {
    taken += unparsed_.size();
    unparsed_.Clear();
  }
}

asio::awaitable<bool> HttpSession::Send(const HttpResponse& response, bool with_body,
                                        std::string_view connection) {
  const std::string head = SerializeHead(response, connection);
  std::vector<asio::const_buffer> parts = {asio::buffer(head)};
  if (with_body && !HasNoBody(response.status)) {
    parts.push_back(asio::buffer(response.body));
    for (const std::string& piece : response.more) parts.push_back(asio::buffer(piece));
  }
  co_return co_await Write(parts);
}

asio::awaitable<bool> HttpSession::Write(std::span<asio::const_buffer> parts) {
  error_code error;
  while (!error && !parts.empty()) {
    size_t sent = socket_.write_some(parts, error);
    if (error == asio::error::would_block) {  // seldom: most answers fit into the system's buffers
      SetDeadline();
      sent = co_await socket_.async_write_some(parts,
                                               asio::redirect_error(asio::use_awaitable, error));
    }
    for (; !parts.empty() && sent >= parts.front().size(); parts = parts.subspan(1)) {
      sent -= parts.front().size();
    }
    if (!parts.empty()) parts.front() += sent;
  }
  ClearDeadline();
  co_return !error;
}

void HttpSession::StartRead() {
  if (reading_ || arrived_bytes_ > 0 || read_error_) return;
  reading_ = true;
  socket_.async_read_some(asio::buffer(arrived_),
                          [self = shared_from_this()](const error_code& error, size_t bytes) {
                            self->reading_ = false;
                            self->arrived_bytes_ = bytes;
                            self->read_error_ = error;
                            if (error) self->stop_.request_stop();
                            self->arrival_.cancel();
                          });
}

/// Moves what has arrived to unparsed_, waiting for it; false at the end of the connection.
asio::awaitable<bool> HttpSession::AwaitInput() {
  StartRead();
  while (reading_) {
    error_code cancelled;
    co_await arrival_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  }
  unparsed_.Append(arrived_.data(), arrived_bytes_);
  co_return std::exchange(arrived_bytes_, 0) > 0;
}

}  // namespace barograph::net
