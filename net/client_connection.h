#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/url.h"

/// One TCP connection of an HTTP client, with TLS where the URL says https.
namespace barograph::net {

namespace asio = boost::asio;

/// Lives on one I/O thread.
class ClientConnection {
 public:
  explicit ClientConnection(asio::io_context& context);

  /// Resolves, connects and shakes hands. Errors are worded as Go's: `dial tcp HOST:PORT:
  /// connect: connection refused`.
  asio::awaitable<Status> Open(const Url& url);

  /// Whether it is open to the server of `url`, and the server has neither closed it nor sent
  /// what nobody asked for.
  bool IsReusableFor(const Url& url);

  /// At least one byte, or an error; asio::error::eof at the end. What is there already is read
  /// without going through the event loop, so many times in a row.
  asio::awaitable<size_t> ReadSome(std::span<char> buffer, boost::system::error_code& error) {
    return tls_ ? ReadTls(buffer, error) : ReadPlain(buffer, error);
  }
  /// All of both.
  asio::awaitable<void> Write(std::string_view head, std::string_view body,
                              boost::system::error_code& error) {
    return tls_ ? WriteTls(head, body, error) : WritePlain(head, body, error);
  }

  /// Closes it and ends what is under way; everything fails from here on, until Rearm.
  void Abort();
  void Rearm() { aborted_ = false; }
  bool aborted() const { return aborted_; }
  void Close();

  /// `read tcp LOCAL->REMOTE: read: connection reset by peer`.
  std::string Describe(std::string_view operation, const boost::system::error_code& error) const;

 private:
  using Endpoints = std::vector<asio::ip::tcp::endpoint>;
  struct Resolution;

  asio::awaitable<Result<Endpoints>> Resolve(const Url& url);
  asio::awaitable<Status> Connect(const Endpoints& endpoints);
  asio::awaitable<Status> ShakeHands(const Url& url);

  // Each a coroutine of its own: Asio recycles frames, but only those of up to 1 kB.
  asio::awaitable<size_t> ReadTls(std::span<char> buffer, boost::system::error_code& error);
  asio::awaitable<size_t> ReadPlain(std::span<char> buffer, boost::system::error_code& error);
  size_t ReadWhatIsThere(std::span<char> buffer, boost::system::error_code& error);
  asio::awaitable<void> WriteTls(std::string_view head, std::string_view body,
                                 boost::system::error_code& error);
  asio::awaitable<void> WritePlain(std::string_view head, std::string_view body,
                                   boost::system::error_code& error);
  asio::awaitable<void> WriteRest(std::string_view head, std::string_view body,
                                  boost::system::error_code& error);

  asio::io_context& context_;
  asio::ip::tcp::socket socket_;
  std::optional<asio::ssl::stream<asio::ip::tcp::socket&>> tls_;
  std::shared_ptr<Resolution> resolution_;  // while a name is looked up
  Url server_;                              // of an open connection; the target means nothing
  int reads_in_a_row_ = 0;                  // without giving way to others on the thread
  bool aborted_ = false;
  std::string ends_;  // LOCAL->REMOTE, for messages
};

/// What the system calls the error, as Go prints it: `connection refused`.
std::string ErrorText(const boost::system::error_code& error);

}  // namespace barograph::net
