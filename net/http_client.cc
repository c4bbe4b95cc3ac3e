#include "net/http_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>

#include "base/model/number.h"
#include "net/client_connection.h"
#include "net/compression.h"
#include "net/response_reader.h"

namespace barograph::net {
namespace {

using boost::system::error_code;

constexpr int kMaxRedirects = 10;
constexpr int kMaxInformational = 5;  // 1xx responses before the real one

/// The body pool of an I/O thread.
class BodyPoolService final : public asio::execution_context::service {
 public:
  using key_type = BodyPoolService;
  static asio::execution_context::id id;

  explicit BodyPoolService(asio::execution_context& context) : service(context) {}
  const std::shared_ptr<BodyPool>& pool() const { return pool_; }

 private:
  void shutdown() override {}
  std::shared_ptr<BodyPool> pool_ = std::make_shared<BodyPool>();
};
asio::execution_context::id BodyPoolService::id;

using TimePoint = asio::steady_timer::time_point;

/// When to look first whether an exchange takes until its deadline. Nearly none does, so that this
/// is a time that the clients of a thread share: it wakes up once for many. Only what is then still
/// under way is waited for to the point.
TimePoint FirstLook(TimePoint deadline, TimePoint now) {
  constexpr std::chrono::milliseconds kGrid{250};
  const TimePoint look = deadline - deadline.time_since_epoch() % kGrid;
  return look > now ? look : deadline;
}

bool IsIdempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "PUT" ||
         method == "DELETE";
}

bool IsRedirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool HasLineBreak(std::string_view text) { return text.find_first_of("\r\n") != text.npos; }

/// "Get" of "GET", as Go's messages begin.
std::string OperationName(std::string_view method) {
  std::string name(method);
  for (size_t i = 1; i < name.size(); ++i)
    if (name[i] >= 'A' && name[i] <= 'Z') name[i] = static_cast<char>(name[i] + 32);
  return name;
}

Error Explain(const HttpClientRequest& request, Error error) {
  return Annotate(std::move(error), fmt::format("{} {}", OperationName(request.method),
                                                Quote(request.url.ToString())));
}

Result<std::string> SerializeHead(const HttpClientRequest& request) {
  std::string head;
  head.reserve(1024);
  head.append(request.method).append(" ").append(request.url.target).append(" HTTP/1.1\r\n");
  head.append("Host: ").append(request.url.Authority()).append("\r\n");
  for (const auto& [name, value] : request.headers.fields()) {
    if (name.empty() || HasLineBreak(name) || HasLineBreak(value))
      return Fail(ErrorCode::kInvalidArgument, fmt::format("invalid header field {}", Quote(name)));
    head.append(name).append(": ").append(value).append("\r\n");
  }
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT")
    head.append("Content-Length: ").append(std::to_string(request.body.size())).append("\r\n");
  head += "\r\n";
  return head;
}

/// The request that follows a redirect (RFC 9110, section 15.4): 303, and in practice 301 and 302,
/// turn into GET; credentials stay with the host that they were meant for.
Result<HttpClientRequest> Redirected(const HttpClientRequest& request, int status,
                                     std::string_view location) {
  HttpClientRequest next = request;
  next.url = TRY(request.url.Resolve(location));
  if (status != 307 && status != 308) {
    if (next.method != "HEAD") next.method = "GET";
    next.body.clear();
    next.headers.Remove("Content-Type");
    next.headers.Remove("Content-Encoding");
  }
  const bool downgraded = request.url.scheme == "https" && next.url.scheme == "http";
  if (!EqualsIgnoreCase(next.url.host, request.url.host) || downgraded) {
    next.headers.Remove("Authorization");
    next.headers.Remove("Cookie");
  }
  return next;
}

}  // namespace

class HttpClient::Impl : public std::enable_shared_from_this<Impl> {
 public:
  explicit Impl(asio::io_context& context)
      : connection_(context),
        timer_(context),
        bodies_(asio::use_service<BodyPoolService>(context).pool()) {}

  static asio::awaitable<Result<HttpClientResponse>> Send(std::shared_ptr<Impl> self,
                                                          const HttpClientRequest& request);
  void Abort() {
    connection_.Abort();
    timer_.cancel();
    timer_waits_ = false;
  }

 private:
  void Begin(std::chrono::milliseconds timeout);
  void End() { deadline_.reset(); }
  void WaitForDeadline(TimePoint now);
  void OnTimer();
  asio::awaitable<Result<HttpClientResponse>> Follow(const HttpClientRequest& request);
  asio::awaitable<Result<HttpClientResponse>> FollowRedirects(const HttpClientRequest& request,
                                                              HttpClientResponse first);
  asio::awaitable<Result<HttpClientResponse>> Exchange(const HttpClientRequest& request);
  asio::awaitable<Status> Transfer(const HttpClientRequest& request, const std::string& head,
                                   ResponseReader& reader);
  asio::awaitable<Status> Receive(ResponseReader& reader);
  Result<HttpClientResponse> Finish(const HttpClientRequest& request, ResponseReader& reader);

  ClientConnection connection_;
  // Nearly all exchanges end in time. So the timer is not cancelled with each of them: when it
  // fires, there may be a later deadline by now, or none.
  std::optional<TimePoint> deadline_;  // of the exchange under way
  asio::steady_timer timer_;
  bool timer_waits_ = false;
  uint64_t wait_ = 0;  // tells a wait that was replaced
  std::shared_ptr<BodyPool> bodies_;
  bool timed_out_ = false;
  bool in_body_ = false;  // the failure came after the header, and is not of the request
};

void HttpClient::Impl::Begin(std::chrono::milliseconds timeout) {
  timed_out_ = false;
  in_body_ = false;
  connection_.Rearm();
  const TimePoint now = std::chrono::steady_clock::now();
  deadline_ = now + timeout;
  if (!timer_waits_ || timer_.expiry() > *deadline_) WaitForDeadline(now);
}

void HttpClient::Impl::WaitForDeadline(TimePoint now) {
  timer_waits_ = true;
  timer_.expires_at(FirstLook(*deadline_, now));  // a wait for another time is over
  timer_.async_wait([weak = weak_from_this(), wait = ++wait_](const error_code& cancelled) {
    const auto self = weak.lock();
    if (cancelled || self == nullptr || self->wait_ != wait) return;
    self->OnTimer();
  });
}

void HttpClient::Impl::OnTimer() {
  timer_waits_ = false;
  if (!deadline_) return;
  const TimePoint now = std::chrono::steady_clock::now();
  if (now < *deadline_) return WaitForDeadline(now);
  timed_out_ = true;
  connection_.Abort();
}

asio::awaitable<Result<HttpClientResponse>> HttpClient::Impl::Send(
    std::shared_ptr<Impl> self, const HttpClientRequest& request) {
  const bool throws = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  self->Begin(request.timeout);
  auto response = co_await self->Follow(request);
  self->End();
  if (!response) {
    self->connection_.Close();
    const auto state = co_await asio::this_coro::cancellation_state;
    std::optional<Error> interrupted;
    if (self->timed_out_) {
      interrupted = Error{ErrorCode::kTimeout, "context deadline exceeded"};
    } else if (self->connection_.aborted() || state.cancelled() != asio::cancellation_type::none) {
      interrupted = Error{ErrorCode::kCancelled, "context canceled"};
    }
    if (interrupted)
      response = std::unexpected(self->in_body_ ? *interrupted : Explain(request, *interrupted));
  }
  co_await asio::this_coro::throw_if_cancelled(throws);
  co_return response;
}

asio::awaitable<Result<HttpClientResponse>> HttpClient::Impl::Follow(
    const HttpClientRequest& request) {
  auto response = co_await Exchange(request);
  if (!request.follow_redirects || !response || !IsRedirect(response->status)) co_return response;
  co_return co_await FollowRedirects(request, *std::move(response));
}

asio::awaitable<Result<HttpClientResponse>> HttpClient::Impl::FollowRedirects(
    const HttpClientRequest& request, HttpClientResponse first) {
  Result<HttpClientResponse> response = std::move(first);
  HttpClientRequest current = request;
  for (int redirects = 0; response && IsRedirect(response->status); ++redirects) {
    const std::string location(response->headers.Get("Location"));
    if (location.empty()) break;
    if (redirects == kMaxRedirects)
      co_return std::unexpected(
          Explain(current, Error{ErrorCode::kUnavailable, "stopped after 10 redirects"}));
    auto next = Redirected(current, response->status, location);
    if (!next) co_return std::unexpected(Explain(current, next.error()));
    current = std::move(*next);
    auto followed = co_await Exchange(current);
    response = std::move(followed);
  }
  co_return response;
}

asio::awaitable<Result<HttpClientResponse>> HttpClient::Impl::Exchange(
    const HttpClientRequest& request) {
  auto head = SerializeHead(request);
  if (!head) co_return std::unexpected(Explain(request, head.error()));
  for (bool again = false;; again = true) {
    const bool kept = connection_.IsReusableFor(request.url);
    if (!kept) {
      const Status opened = co_await connection_.Open(request.url);
      if (!opened) co_return std::unexpected(Explain(request, opened.error()));
    }
    ResponseReader reader(
        {request.max_header_bytes, request.max_body_bytes, request.method == "HEAD"}, bodies_);
    const Status transferred = co_await Transfer(request, *head, reader);
    if (transferred) co_return Finish(request, reader);
    const bool stale = kept && !reader.got_some() && !again && IsIdempotent(request.method);
    connection_.Close();
    if (stale && !connection_.aborted()) continue;
    in_body_ = reader.header_done();
    co_return std::unexpected(in_body_ ? transferred.error()
                                       : Explain(request, transferred.error()));
  }
}

asio::awaitable<Status> HttpClient::Impl::Transfer(const HttpClientRequest& request,
                                                   const std::string& head,
                                                   ResponseReader& reader) {
  error_code error;
  co_await connection_.Write(head, request.body, error);
  // A server that refuses a large body may answer and close before it has read everything.
  const Status received = co_await Receive(reader);
  if (!received && error && !reader.got_some())
    co_return Fail(ErrorCode::kUnavailable, connection_.Describe("write", error));
  co_return received;
}

asio::awaitable<Status> HttpClient::Impl::Receive(ResponseReader& reader) {
  int informational = 0;
  for (;;) {
    while (reader.done() && reader.status() < 200) {
      if (++informational > kMaxInformational)
        co_return Fail(ErrorCode::kCorruption, "too many 1xx informational responses");
      const Status next = reader.StartOver();
      if (!next) co_return next;
    }
    if (reader.done()) co_return Status();
    error_code error;
    const size_t read = co_await connection_.ReadSome(reader.Room(), error);
    if (error == asio::error::eof) co_return reader.ParseEnd();
    if (error) co_return Fail(ErrorCode::kUnavailable, connection_.Describe("read", error));
    const Status parsed = reader.Parse(read);
    if (!parsed) co_return parsed;
  }
}

Result<HttpClientResponse> HttpClient::Impl::Finish(const HttpClientRequest& request,
                                                    ResponseReader& reader) {
  if (!reader.keep_alive()) connection_.Close();
  ResponseReader::Body body = reader.TakeBody();
  HttpClientResponse response{.status = reader.status(),
                              .headers = reader.TakeHeaders(),
                              .body = body.bytes,
                              .storage = std::move(body.storage)};
  if (EqualsIgnoreCase(response.headers.Get("Content-Encoding"), "gzip") &&
      !response.body.empty()) {
    BodyPool::Lease decoded = bodies_->Take();
    const Status unpacked = GunzipInto(response.body, request.max_body_bytes, *decoded);
    if (!unpacked) return std::unexpected(unpacked.error());
    response.storage = std::move(decoded);
    response.body = response.storage->view();
  }
  if (request.max_body_bytes > 0 && response.body.size() > request.max_body_bytes)
    return Fail(ErrorCode::kLimitExceeded, "body size limit exceeded");
  return response;
}

HttpClient::HttpClient(asio::io_context& context) : impl_(std::make_shared<Impl>(context)) {}
HttpClient::~HttpClient() { impl_->Abort(); }

asio::awaitable<Result<HttpClientResponse>> HttpClient::Send(const HttpClientRequest& request) {
  return Impl::Send(impl_, request);
}

void HttpClient::Close() { impl_->Abort(); }

}  // namespace barograph::net
