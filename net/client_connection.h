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

  /// At least one byte, or an error; asio::error::eof at the end.
  asio::awaitable<size_t> ReadSome(std::span<char> buffer, boost::system::error_code& error);
  /// All of both.
  asio::awaitable<void> Write(std::string_view head, std::string_view body,
                              boost::system::error_code& error);

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

  asio::io_context& context_;
  asio::ip::tcp::socket socket_;
  std::optional<asio::ssl::stream<asio::ip::tcp::socket&>> tls_;
  std::shared_ptr<Resolution> resolution_;  // while a name is looked up
  std::string server_;                      // scheme://host:port of an open connection
  bool aborted_ = false;
  std::string ends_;  // LOCAL->REMOTE, for messages
};

/// What the system calls the error, as Go prints it: `connection refused`.
std::string ErrorText(const boost::system::error_code& error);

}  // namespace barograph::net
