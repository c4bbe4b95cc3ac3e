#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace barograph::test {

/// A server on loopback that answers each connection's requests with bytes made by hand, so that
/// they can be as wrong as a test needs.
class FakeTarget {
 public:
  struct Answer {
    std::string bytes;
    /// Before the last byte of `bytes`; cut short when the target ends.
    std::chrono::milliseconds pause{0};
    bool close = false;
  };
  using Handler = std::function<Answer(const std::string& request)>;

  explicit FakeTarget(Handler handler);
  ~FakeTarget();

  /// host:port
  std::string address() const;
  int requests() const { return requests_; }

  /// A whole answer with that body.
  static std::string Page(std::string_view body,
                          std::string_view headers = "Content-Type: text/plain\r\n");

 private:
  void Serve();
  void Converse(boost::asio::ip::tcp::socket socket);
  void Send(boost::asio::ip::tcp::socket& socket, const Answer& answer);

  Handler handler_;
  boost::asio::io_context context_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> requests_ = 0;
  std::thread thread_;
};

}  // namespace barograph::test
