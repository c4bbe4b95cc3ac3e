#pragma once

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "net/body_budget.h"
#include "net/body_buffer.h"
#include "net/http_server.h"

namespace barograph::net {

class RequestReader;

/// What all sessions of a server share. Immutable, but for the budget.
struct SessionEnvironment {
  HttpServerOptions options;
  HttpHandler handler;
  Logger logger;
  std::shared_ptr<BodyBudget> bodies;
};

/// One connection of a server: requests in, responses out, in turn. Lives on its socket's I/O
/// thread, and keeps itself alive until it has ended.
///
/// One read is always under way, also while a handler works: it brings the next request, or tells
/// that the client is gone, which sets the running request's stop token.
class HttpSession : public std::enable_shared_from_this<HttpSession> {
 public:
  HttpSession(asio::ip::tcp::socket socket, std::shared_ptr<const SessionEnvironment> environment);

  /// `ended` is called once, on the session's thread, when all is over. Thread-safe.
  void Start(std::function<void()> ended);

  /// Ends at once when no request is being read or answered, else after that one. Thread-safe.
  void Finish();
  /// Sets the running request's stop token and closes the connection. Thread-safe.
  void Cancel();

 private:
  enum class Phase : uint8_t { kIdle, kReading, kAnswering, kClosed };

  asio::awaitable<void> Run();
  asio::awaitable<bool> ServeOne();
  asio::awaitable<int> Read(RequestReader& reader, BodyBudget::Share& body);
  asio::awaitable<HttpResponse> Answer(const HttpRequest& request);
  asio::awaitable<bool> Refuse(int status);
  asio::awaitable<bool> Send(const HttpResponse& response, bool with_body,
                             std::string_view connection);
  asio::awaitable<bool> Write(std::span<asio::const_buffer> parts);
  asio::awaitable<bool> AwaitInput();
  asio::awaitable<void> Linger();
  void StartRead();
  void SetDeadline();
  void ClearDeadline() { ++deadline_generation_; }
  void Close();

  asio::ip::tcp::socket socket_;
  const std::shared_ptr<const SessionEnvironment> environment_;
  std::string remote_address_;
  Phase phase_ = Phase::kIdle;
  bool finishing_ = false;
  std::stop_source stop_;  // of the running request

  BodyBuffer unparsed_;
  std::array<char, 16 << 10> arrived_;  // what the read under way, or the last one, brought
  size_t arrived_bytes_ = 0;
  boost::system::error_code read_error_;
  bool reading_ = false;
  asio::steady_timer arrival_;  // cancelled when the read ends

  asio::steady_timer deadline_;
  uint64_t deadline_generation_ = 0;  // tells a late timer that it was cleared
};

}  // namespace barograph::net
