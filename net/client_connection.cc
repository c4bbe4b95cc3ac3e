#include "net/client_connection.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <charconv>

#include "net/listen_address.h"

namespace barograph::net {
namespace {

using asio::ip::tcp;
using boost::system::error_code;

/// One TLS configuration for all clients of an I/O thread: reading the system's roots is slow.
class TlsService final : public asio::execution_context::service {
 public:
  using key_type = TlsService;
  static asio::execution_context::id id;

  explicit TlsService(asio::execution_context& context)
      : service(context), tls_(asio::ssl::context::tls_client) {
    error_code ignored;  // without roots, every verification fails, and says so
    tls_.set_default_verify_paths(ignored);
    tls_.set_verify_mode(asio::ssl::verify_peer);
    SSL_CTX_set_min_proto_version(tls_.native_handle(), TLS1_2_VERSION);
  }

  asio::ssl::context& tls() { return tls_; }

 private:
  void shutdown() override {}
  asio::ssl::context tls_;
};
asio::execution_context::id TlsService::id;

uint16_t PortNumber(const Url& url) {
  uint16_t port = 0;
  std::from_chars(url.port.data(), url.port.data() + url.port.size(), port);
  return port;
}

bool IsSameServer(const Url& a, const Url& b) {
  return a.scheme == b.scheme && a.host == b.host && a.port == b.port;
}

// After so many reads that found something, a fast sender's reader lets others run.
constexpr int kMaxReadsInARow = 8;

/// OpenSSL's reason, with what failed in the chain where that is why.
std::string TlsErrorText(SSL* ssl, const error_code& error) {
  const long verification = SSL_get_verify_result(ssl);
  if (verification != X509_V_OK)
    return fmt::format("tls: failed to verify certificate: x509: {}",
                       X509_verify_cert_error_string(verification));
  return "tls: " + ErrorText(error);
}

}  // namespace

/// A lookup that its caller may stop waiting for: the system's resolver cannot be interrupted.
struct ClientConnection::Resolution {
  explicit Resolution(asio::io_context& context) : resolver(context), done(context) {
    done.expires_at(asio::steady_timer::time_point::max());
  }
  tcp::resolver resolver;
  asio::steady_timer done;  // cancelled when there is a result
  bool finished = false;
  error_code error;
  Endpoints endpoints;
};

std::string ErrorText(const error_code& error) {
  if (error == asio::error::eof || error == asio::ssl::error::stream_truncated) return "EOF";
  std::string text = error.message();
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') text[0] = static_cast<char>(text[0] + 32);
  return text;
}

ClientConnection::ClientConnection(asio::io_context& context)
    : context_(context), socket_(context) {}

asio::awaitable<Status> ClientConnection::Open(const Url& url) {
  Close();
  const auto endpoints = co_await Resolve(url);
  if (!endpoints) co_return std::unexpected(endpoints.error());
  if (aborted_) co_return Fail(ErrorCode::kCancelled, "aborted");
  const Status connected = co_await Connect(*endpoints);
  if (!connected) co_return connected;
  if (url.scheme == "https" && !aborted_) {
    const Status shaken = co_await ShakeHands(url);
    if (!shaken) co_return shaken;
  }
  if (aborted_) co_return Fail(ErrorCode::kCancelled, "aborted");
  server_ = url;
  co_return Status();
}

asio::awaitable<Result<ClientConnection::Endpoints>> ClientConnection::Resolve(const Url& url) {
  error_code not_an_address;
  const auto address = asio::ip::make_address(url.host, not_an_address);
  if (!not_an_address) co_return Endpoints{tcp::endpoint(address, PortNumber(url))};

  const auto resolution = std::make_shared<Resolution>(context_);
  resolution_ = resolution;
  resolution->resolver.async_resolve(
      url.host, url.port, tcp::resolver::numeric_service,
      [resolution](const error_code& error, const tcp::resolver::results_type& results) {
        resolution->finished = true;
        resolution->error = error;
        for (const auto& result : results) resolution->endpoints.push_back(result.endpoint());
        resolution->done.cancel();
      });
  error_code done;
  co_await resolution->done.async_wait(asio::redirect_error(asio::use_awaitable, done));
  if (resolution_ == resolution) resolution_.reset();
  if (!resolution->finished) resolution->resolver.cancel();
  if (resolution->finished && !resolution->error) co_return std::move(resolution->endpoints);
  const bool unknown = resolution->error == asio::error::host_not_found ||
                       resolution->error == asio::error::host_not_found_try_again;
  const std::string why = resolution->finished ? ErrorText(resolution->error) : "interrupted";
  co_return Fail(ErrorCode::kUnavailable,
                 fmt::format("dial tcp: lookup {}: {}", url.host, unknown ? "no such host" : why));
}

asio::awaitable<Status> ClientConnection::Connect(const Endpoints& endpoints) {
  Status outcome = Fail(ErrorCode::kUnavailable, "dial tcp: no addresses");
  for (size_t i = 0; i < endpoints.size() && !aborted_; ++i) {
    error_code error;
    socket_.close(error);
    co_await socket_.async_connect(endpoints[i], asio::redirect_error(asio::use_awaitable, error));
    if (!error && !aborted_) {
      socket_.set_option(tcp::no_delay(true), error);
      socket_.non_blocking(true, error);
      const auto local = socket_.local_endpoint(error);
      ends_ = fmt::format("{}->{}", ToString(local), ToString(endpoints[i]));
      co_return Status();
    }
    if (i == 0)
      outcome =
          Fail(ErrorCode::kUnavailable,
               fmt::format("dial tcp {}: connect: {}", ToString(endpoints[i]), ErrorText(error)));
    if (error == asio::error::operation_aborted) break;  // the coroutine was cancelled
  }
  co_return outcome;
}

asio::awaitable<Status> ClientConnection::ShakeHands(const Url& url) {
  tls_.emplace(socket_, asio::use_service<TlsService>(context_).tls());
  SSL* ssl = tls_->native_handle();
  SSL_set_tlsext_host_name(ssl, url.host.c_str());
  error_code error;
  tls_->set_verify_callback(asio::ssl::host_name_verification(url.host), error);
  co_await tls_->async_handshake(asio::ssl::stream_base::client,
                                 asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return Fail(ErrorCode::kUnavailable, TlsErrorText(ssl, error));
  co_return Status();
}

bool ClientConnection::IsReusableFor(const Url& url) {
  if (!socket_.is_open() || !IsSameServer(server_, url)) return false;
  char byte = 0;
  const auto received = recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return received < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

asio::awaitable<size_t> ClientConnection::ReadTls(std::span<char> buffer, error_code& error) {
  const asio::mutable_buffer target(buffer.data(), buffer.size());
  co_return co_await tls_->async_read_some(target,
                                           asio::redirect_error(asio::use_awaitable, error));
}

asio::awaitable<size_t> ClientConnection::ReadPlain(std::span<char> buffer, error_code& error) {
  if (const size_t read = ReadWhatIsThere(buffer, error); error != asio::error::would_block)
    co_return read;
  reads_in_a_row_ = 0;
  const asio::mutable_buffer target(buffer.data(), buffer.size());
  co_return co_await socket_.async_read_some(target,
                                             asio::redirect_error(asio::use_awaitable, error));
}

size_t ClientConnection::ReadWhatIsThere(std::span<char> buffer, error_code& error) {
  error = asio::error::would_block;
  if (reads_in_a_row_ >= kMaxReadsInARow) return 0;
  ++reads_in_a_row_;
  return socket_.read_some(asio::mutable_buffer(buffer.data(), buffer.size()), error);
}

asio::awaitable<void> ClientConnection::WriteTls(std::string_view head, std::string_view body,
                                                 error_code& error) {
  const std::array<asio::const_buffer, 2> parts = {asio::buffer(head), asio::buffer(body)};
  co_await asio::async_write(*tls_, parts, asio::redirect_error(asio::use_awaitable, error));
}

asio::awaitable<void> ClientConnection::WritePlain(std::string_view head, std::string_view body,
                                                   error_code& error) {
  reads_in_a_row_ = kMaxReadsInARow;  // no answer can have come yet: the first read waits
  const std::array<asio::const_buffer, 2> parts = {asio::buffer(head), asio::buffer(body)};
  const size_t written = socket_.write_some(parts, error);
  if (error && error != asio::error::would_block) co_return;
  error = {};
  const size_t of_head = std::min(written, head.size());
  head.remove_prefix(of_head);
  body.remove_prefix(written - of_head);
  if (!head.empty() || !body.empty()) co_await WriteRest(head, body, error);
}

asio::awaitable<void> ClientConnection::WriteRest(std::string_view head, std::string_view body,
                                                  error_code& error) {
  const std::array<asio::const_buffer, 2> parts = {asio::buffer(head), asio::buffer(body)};
  co_await asio::async_write(socket_, parts, asio::redirect_error(asio::use_awaitable, error));
}

void ClientConnection::Abort() {
  aborted_ = true;
  if (resolution_) resolution_->done.cancel();
  error_code ignored;
  socket_.close(ignored);
  server_ = {};
}

void ClientConnection::Close() {
  tls_.reset();
  error_code ignored;
  socket_.close(ignored);
  server_ = {};
}

std::string ClientConnection::Describe(std::string_view operation, const error_code& error) const {
  return fmt::format("{} tcp {}: {}: {}", operation, ends_, operation, ErrorText(error));
}

}  // namespace barograph::net
