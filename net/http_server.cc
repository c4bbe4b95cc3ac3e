#include "net/http_server.h"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <set>
#include <utility>

#include "base/mutex.h"
#include "net/compression.h"
#include "net/http_session.h"
#include "net/listen_address.h"

namespace barograph::net {
namespace {

using asio::ip::tcp;
using boost::system::error_code;

constexpr int kListenBacklog = 1024;
constexpr std::chrono::milliseconds kAcceptRetryDelay{50};
constexpr std::chrono::seconds kCancelGrace{5};  // for handlers to obey their stop tokens

struct Listener {
  Listener(asio::io_context& c)
      : context(c), acceptor(c), room(c, asio::steady_timer::time_point::max()) {}
  asio::io_context& context;
  tcp::acceptor acceptor;
  asio::steady_timer room;  // cancelled when there may be room for another connection
  std::string address;
};

Status Open(Listener& listener, const std::string& address) {
  const tcp::endpoint endpoint = TRY(ResolveListenAddress(address));
  error_code error;
  auto& acceptor = listener.acceptor;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  const bool every_address = endpoint.address() == asio::ip::address_v6::any();
  if (!error && every_address) acceptor.set_option(asio::ip::v6_only(false), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(kListenBacklog, error);
  if (error)
    return Fail(ErrorCode::kIo, fmt::format("listen tcp {}: {}", address, error.message()));
  listener.address = ToString(acceptor.local_endpoint(error));
  return {};
}

bool IsCompressible(std::string_view content_type) {
  return content_type.starts_with("text/") || content_type.starts_with("application/json") ||
         content_type.starts_with("application/javascript") ||
         content_type.starts_with("application/openmetrics-text") ||
         content_type.starts_with("image/svg");
}

}  // namespace

FormValues HttpRequest::Form() const {
  const bool may_have_body = method == "POST" || method == "PUT" || method == "PATCH";
  const std::string_view type = headers.Get("Content-Type");
  FormValues values;
  if (may_have_body && type.starts_with("application/x-www-form-urlencoded"))
    values = FormValues::Parse(body);
  values.Append(query);
  return values;
}

void EncodeBody(const HttpRequest& request, HttpResponse& response, size_t min_bytes) {
  if (response.body_bytes() < min_bytes || response.headers.Has("Content-Encoding") ||
      !IsCompressible(response.headers.Get("Content-Type")))
    return;
  response.headers.Add("Vary", "Accept-Encoding");
  const auto encoding = ChooseEncoding(request.headers.Get("Accept-Encoding"));
  if (encoding == ContentEncoding::kIdentity) return;
  for (const std::string& piece : std::exchange(response.more, {})) response.body += piece;
  response.body = Compress(response.body, encoding);
  response.headers.Add("Content-Encoding", std::string(ToString(encoding)));
}

class HttpServer::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Runtime& runtime, HttpServerOptions options, HttpHandler handler, Logger logger)
      : runtime_(runtime),
        environment_(std::make_shared<SessionEnvironment>(
            SessionEnvironment{options, std::move(handler), std::move(logger),
                               std::make_shared<BodyBudget>(options.max_buffered_body_bytes)})) {}

  Status Start();
  void Stop(std::chrono::milliseconds grace);
  std::vector<std::string> addresses() const;
  size_t open_connections() const;
  const BodyBudget& bodies() const { return *environment_->bodies; }

 private:
  asio::awaitable<void> Accept(Listener& listener);
  void Begin(tcp::socket socket);
  void Ended(const std::shared_ptr<HttpSession>& session);
  bool IsFull() const;
  bool stopping() const;
  bool WaitUntilAllEnded(std::chrono::steady_clock::duration grace);

  Runtime& runtime_;
  const std::shared_ptr<const SessionEnvironment> environment_;
  std::vector<std::unique_ptr<Listener>> listeners_;

  mutable Mutex mutex_;
  ConditionVariable ended_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  size_t accepting_ GUARDED_BY(mutex_) = 0;
  std::set<std::shared_ptr<HttpSession>> sessions_ GUARDED_BY(mutex_);
};

Status HttpServer::Impl::Start() {
  for (const auto& address : environment_->options.listen_addresses) {
    listeners_.push_back(std::make_unique<Listener>(runtime_.NextContext()));
    const Status opened = Open(*listeners_.back(), address);
    if (opened) continue;
    listeners_.clear();
    return opened;
  }
  for (const auto& listener : listeners_) {
    {
      MutexLock lock(mutex_);
      ++accepting_;
    }
    asio::co_spawn(listener->context, Accept(*listener),
                   [self = shared_from_this()](std::exception_ptr) {
                     MutexLock lock(self->mutex_);
                     --self->accepting_;
                     self->ended_.NotifyAll();
                   });
  }
  return {};
}

asio::awaitable<void> HttpServer::Impl::Accept(Listener& listener) {
  while (!stopping()) {
    error_code error;
    if (IsFull()) {
      co_await listener.room.async_wait(asio::redirect_error(asio::use_awaitable, error));
      continue;
    }
    tcp::socket socket = co_await listener.acceptor.async_accept(
        runtime_.NextContext(), asio::redirect_error(asio::use_awaitable, error));
    if (!error) {
      Begin(std::move(socket));
    } else if (!stopping()) {
      environment_->logger.Warn("Cannot accept a connection",
                                {{"address", listener.address}, {"err", error.message()}});
      co_await Sleep(kAcceptRetryDelay);
    }
  }
}

void HttpServer::Impl::Begin(tcp::socket socket) {
  const auto session = std::make_shared<HttpSession>(std::move(socket), environment_);
  {
    MutexLock lock(mutex_);
    if (stopping_) return;
    sessions_.insert(session);
  }
  session->Start([self = shared_from_this(), weak = std::weak_ptr(session)] {
    if (const auto over = weak.lock()) self->Ended(over);
  });
}

void HttpServer::Impl::Ended(const std::shared_ptr<HttpSession>& session) {
  {
    MutexLock lock(mutex_);
    sessions_.erase(session);
    ended_.NotifyAll();
  }
  for (const auto& listener : listeners_)
    asio::post(listener->context,
               [self = shared_from_this(), &listener = *listener] { listener.room.cancel(); });
}

bool HttpServer::Impl::IsFull() const {
  MutexLock lock(mutex_);
  return !stopping_ && sessions_.size() >= environment_->options.max_connections;
}

bool HttpServer::Impl::stopping() const {
  MutexLock lock(mutex_);
  return stopping_;
}

void HttpServer::Impl::Stop(std::chrono::milliseconds grace) {
  std::set<std::shared_ptr<HttpSession>> sessions;
  {
    MutexLock lock(mutex_);
    if (std::exchange(stopping_, true)) return;
    sessions = sessions_;
  }
  for (const auto& listener : listeners_)
    asio::post(listener->context, [self = shared_from_this(), &listener = *listener] {
      error_code ignored;
      listener.acceptor.close(ignored);
      listener.room.cancel();
    });
  for (const auto& session : sessions) session->Finish();
  if (WaitUntilAllEnded(grace)) return;
  for (const auto& session : sessions) session->Cancel();
  if (!WaitUntilAllEnded(kCancelGrace))
    environment_->logger.Error("Requests still run after they were cancelled");
}

bool HttpServer::Impl::WaitUntilAllEnded(std::chrono::steady_clock::duration grace) {
  const auto deadline = std::chrono::steady_clock::now() + grace;
  MutexLock lock(mutex_);
  while (!sessions_.empty() || accepting_ > 0) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= left.zero()) return false;
    ended_.WaitFor(mutex_, left);
  }
  return true;
}

std::vector<std::string> HttpServer::Impl::addresses() const {
  std::vector<std::string> all;
  for (const auto& listener : listeners_) all.push_back(listener->address);
  return all;
}

size_t HttpServer::Impl::open_connections() const {
  MutexLock lock(mutex_);
  return sessions_.size();
}

HttpServer::HttpServer(Runtime& runtime, HttpServerOptions options, HttpHandler handler,
                       Logger logger)
    : impl_(std::make_shared<Impl>(runtime, std::move(options), std::move(handler),
                                   std::move(logger))) {}
HttpServer::~HttpServer() = default;

Status HttpServer::Start() { return impl_->Start(); }
std::vector<std::string> HttpServer::addresses() const { return impl_->addresses(); }
size_t HttpServer::open_connections() const { return impl_->open_connections(); }
uint64_t HttpServer::buffered_body_bytes() const { return impl_->bodies().used_bytes(); }
uint64_t HttpServer::refused_bodies() const { return impl_->bodies().refused(); }
void HttpServer::Stop(std::chrono::milliseconds grace) { impl_->Stop(grace); }

}  // namespace barograph::net
