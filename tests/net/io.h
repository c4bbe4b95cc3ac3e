#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <thread>

namespace barograph::net::test {

/// Runs `context` on this thread until `task` has finished; returns what it returned.
template <typename T>
T Await(boost::asio::io_context& context, boost::asio::awaitable<T> task) {
  std::optional<T> outcome;
  bool finished = false;
  boost::asio::co_spawn(context, std::move(task), [&](std::exception_ptr thrown, T value) {
    finished = true;
    if (thrown) std::rethrow_exception(thrown);
    outcome = std::move(value);
  });
  context.restart();
  while (!finished && context.run_one() > 0) {
  }
  return std::move(*outcome);
}
inline void Await(boost::asio::io_context& context, boost::asio::awaitable<void> task) {
  bool finished = false;
  boost::asio::co_spawn(context, std::move(task), [&](std::exception_ptr thrown) {
    finished = true;
    if (thrown) std::rethrow_exception(thrown);
  });
  context.restart();
  while (!finished && context.run_one() > 0) {
  }
}

/// A blocking socket, for what a well-behaved client or server would not send.
class RawSocket {
 public:
  explicit RawSocket(int fd) : fd_(fd) {}
  /// Connects to 127.0.0.1.
  static RawSocket Connect(int port);
  RawSocket(RawSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~RawSocket();

  /// False when the other side is gone.
  bool Send(std::string_view bytes);
  /// All up to and with `end`, or up to the end of the connection.
  std::string ReadUntil(std::string_view end);
  /// Exactly `count` bytes, or fewer at the end of the connection.
  std::string Read(size_t count);
  std::string ReadAll() { return ReadUntil({}); }
  /// The head and, by its Content-Length, the body of one message.
  std::string ReadMessage();
  void ShutdownWrite();
  /// Closes with a reset instead of an orderly end.
  void Reset();

 private:
  int fd_;
};

/// Listens on a free port of 127.0.0.1; each connection is given to `talk`, one after another, on
/// a thread of its own.
class RawServer {
 public:
  explicit RawServer(std::function<void(RawSocket&, int connection)> talk);
  ~RawServer();
  int port() const { return port_; }
  std::string url(std::string_view path = "/metrics") const;

 private:
  int port_ = 0;
  int fd_;
  std::thread thread_;
};

/// A port of 127.0.0.1 on which nobody listens.
int ClosedPort();

}  // namespace barograph::net::test
