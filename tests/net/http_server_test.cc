#include "net/http_server.h"

#include <fmt/format.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>

#include "net/compression.h"
#include "net/http_client.h"
#include "tests/net/io.h"

namespace barograph::net {
namespace {

using namespace std::chrono_literals;
using test::Await;
using test::RawSocket;

HttpResponse Text(std::string body, int status = 200) {
  HttpResponse response;
  response.status = status;
  response.headers.Add("Content-Type", "text/plain");
  response.body = std::move(body);
  return response;
}

asio::awaitable<HttpResponse> Echo(const HttpRequest& request) {
  co_return Text(fmt::format("{} {} [{}]", request.method, request.path, request.body));
}

/// A server on a free port, with a pool for handlers that block.
class Server {
 public:
  explicit Server(HttpHandler handler, HttpServerOptions options = {})
      : server_(runtime_, Local(std::move(options)), std::move(handler), Logger()) {
    runtime_.Start();
    const Status started = server_.Start();
    if (!started) throw std::runtime_error(started.error().message);
    const std::string address = server_.addresses().at(0);
    port_ = std::stoi(address.substr(address.rfind(':') + 1));
  }
  ~Server() {
    server_.Stop(0ms);
    runtime_.Stop(1s);
  }

  int port() const { return port_; }
  Url url(const std::string& target) const {
    return *Url::Parse(fmt::format("http://127.0.0.1:{}{}", port_, target));
  }
  HttpServer& server() { return server_; }
  RawSocket Connect() const { return RawSocket::Connect(port_); }

 private:
  static HttpServerOptions Local(HttpServerOptions options) {
    options.listen_addresses = {"127.0.0.1:0"};
    return options;
  }
  Runtime runtime_{2};
  HttpServer server_;
  int port_ = 0;
};

/// Opens once.
class Latch {
 public:
  void Open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    opened_.notify_all();
  }
  bool Wait(std::chrono::seconds limit = 10s) {
    std::unique_lock lock(mutex_);
    return opened_.wait_for(lock, limit, [&] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool open_ = false;
};

std::string StatusOf(std::string_view message) {
  return std::string(message.substr(0, message.find('\r')));
}
std::string BodyOf(std::string_view message) {
  return std::string(message.substr(message.find("\r\n\r\n") + 4));
}

TEST_CASE("Client and server speak to each other over one kept connection") {
  Server server(Echo);
  asio::io_context context;
  HttpClient client(context);
  for (int i = 0; i < 3; ++i) {
    HttpClientRequest request;
    request.url = server.url(fmt::format("/a%20b/{}?x=1", i));
    const auto response = Await(context, client.Send(request));
    REQUIRE(response);
    CHECK(response->body == fmt::format("GET /a b/{} []", i));
  }
  CHECK(server.server().open_connections() == 1);
}

TEST_CASE("A request reaches the handler with its form, URL, headers and peer") {
  std::promise<HttpRequest> seen;
  Server server([&](const HttpRequest& request) -> asio::awaitable<HttpResponse> {
    seen.set_value(request);
    co_return HttpResponse();
  });
  auto socket = server.Connect();
  socket.Send(
      "POST /p%2Fq?a=1&b=x+y HTTP/1.1\r\nHost: h\r\nX-One: 1\r\n"
      "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 11\r\n\r\na=2&c=%7Bz}");
  socket.ReadMessage();
  const HttpRequest request = seen.get_future().get();
  CHECK(request.target == "/p%2Fq?a=1&b=x+y");
  CHECK(request.path == "/p/q");
  CHECK(request.query.Get("a") == "1");
  CHECK(request.Form().GetAll("a") == std::vector<std::string_view>{"2", "1"});
  CHECK(request.Form().Get("b") == "x y");
  CHECK(request.Form().Get("c") == "{z}");
  CHECK(request.headers.Get("x-one") == "1");
  CHECK(request.remote_address.starts_with("127.0.0.1:"));
}

TEST_CASE("Pipelined requests are answered in order") {
  Server server(Echo);
  auto socket = server.Connect();
  std::string requests;
  for (int i = 0; i < 50; ++i) requests += fmt::format("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", i);
  socket.Send(requests);
  for (int i = 0; i < 50; ++i) CHECK(BodyOf(socket.ReadMessage()) == fmt::format("GET /{} []", i));
}

TEST_CASE("Requests in single bytes and chunked bodies are understood") {
  Server server(Echo);
  auto socket = server.Connect();
  for (const char c :
       std::string_view("POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
                        "\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"))
    socket.Send({&c, 1});
  CHECK(BodyOf(socket.ReadMessage()) == "POST /x [abcde]");
}

TEST_CASE("HEAD is answered with the headers of GET and no body") {
  Server server(Echo);
  auto socket = server.Connect();
  socket.Send("HEAD /x HTTP/1.1\r\nHost: h\r\n\r\nGET /y HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string head = socket.ReadUntil("\r\n\r\n");
  CHECK(head.find("Content-Length: 10\r\n") != head.npos);
  CHECK(BodyOf(socket.ReadMessage()) == "GET /y []");
}

TEST_CASE("A client that expects 100-continue is told to go on") {
  Server server(Echo);
  auto socket = server.Connect();
  socket.Send("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  CHECK(socket.ReadUntil("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  socket.Send("ok");
  CHECK(BodyOf(socket.ReadMessage()) == "POST / [ok]");
}

TEST_CASE("Connections live and end as version and header ask") {
  Server server(Echo);
  auto old = server.Connect();
  old.Send("GET / HTTP/1.0\r\n\r\n");
  CHECK(BodyOf(old.ReadAll()) == "GET / []");
  auto old_but_kept = server.Connect();
  for (int i = 0; i < 2; ++i) {
    old_but_kept.Send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    const std::string message = old_but_kept.ReadMessage();
    CHECK(message.find("Connection: keep-alive\r\n") != message.npos);
  }
  auto closing = server.Connect();
  closing.Send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const std::string message = closing.ReadAll();
  CHECK(message.find("Connection: close\r\n") != message.npos);
}

TEST_CASE("Each limit has its own status") {
  HttpServerOptions options;
  options.max_header_bytes = 1000;
  options.max_body_bytes = 100;
  Server server(Echo, options);
  const std::string filler(2000, 'x');
  const std::vector<std::pair<std::string, int>> cases = {
      {"GET / HTTP/1.1\r\nHost: h\r\nX-Filler: " + filler + "\r\n\r\n", 431},
      {"GET /" + filler + " HTTP/1.1\r\nHost: h\r\n\r\n", 431},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n" + filler, 413},
      {"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 101\r\n\r\n", 413},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + filler, 413},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"\x16\x03\x01 this is TLS\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       400},
  };
  for (const auto& [request, status] : cases) {
    auto socket = server.Connect();
    socket.Send(request);
    CHECK(StatusOf(socket.ReadAll()) ==
          fmt::format("HTTP/1.1 {} {}", status, ReasonPhrase(status)));
  }
}

TEST_CASE("Bodies that have no room together are put off, and small ones are always taken") {
  HttpServerOptions options;
  options.max_buffered_body_bytes = 300'000;
  Server server(Echo, options);
  const auto post = [](size_t announced, size_t sent) {
    return fmt::format("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n{}", announced,
                       std::string(sent, 'b'));
  };
  RawSocket first = server.Connect();
  first.Send(post(250'001, 200'000));
  for (int i = 0; i < 1000 && server.server().buffered_body_bytes() < 200'000; ++i) {
    std::this_thread::sleep_for(5ms);
  }
  REQUIRE(server.server().buffered_body_bytes() == 200'000);

  RawSocket second = server.Connect();
  second.Send(post(150'000, 150'000));
  const std::string refusal = second.ReadAll();
  CHECK(refusal.starts_with("HTTP/1.1 503 "));
  CHECK(refusal.find("\r\nRetry-After: 1\r\n") != refusal.npos);
  CHECK(server.server().refused_bodies() == 1);

  RawSocket small = server.Connect();
  small.Send("POST /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc");
  CHECK(small.ReadAll().ends_with("POST /x [abc]"));

  first.Send(std::string(50'001, 'b'));
  CHECK(first.ReadUntil("b]").starts_with("HTTP/1.1 200 "));
  for (int i = 0; i < 1000 && server.server().buffered_body_bytes() > 0; ++i) {
    std::this_thread::sleep_for(5ms);
  }
  CHECK(server.server().buffered_body_bytes() == 0);
}

TEST_CASE("An endless chunk header is refused") {
  Server server(Echo);
  auto socket = server.Connect();
  socket.Send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;");
  const std::string filler(10'000, 'x');
  for (int i = 0; i < 20 && socket.Send(filler); ++i) {
  }
  CHECK_FALSE(StatusOf(socket.ReadAll()) == "HTTP/1.1 200 OK");
}

TEST_CASE("A request that does not arrive in time is dropped") {
  HttpServerOptions options;
  options.read_timeout = 30ms;
  Server server(Echo, options);
  auto idle = server.Connect();
  auto halfway = server.Connect();
  halfway.Send("GET / HTTP/1.1\r\n");
  CHECK(idle.ReadAll().empty());
  CHECK(halfway.ReadAll().empty());
}

TEST_CASE("Large bodies are compressed as the client accepts it") {
  const std::string page(100'000, 'x');
  Server server([&](const HttpRequest&) -> asio::awaitable<HttpResponse> { co_return Text(page); });
  asio::io_context context;
  HttpClient client(context);
  HttpClientRequest request;
  request.url = server.url("/");
  for (const auto& [accepted, encoding] :
       std::vector<std::pair<std::string, std::string>>{{"gzip", "gzip"},
                                                        {"br, deflate;q=0.5, gzip", "deflate"},
                                                        {"gzip;q=0, *", ""},
                                                        {"", ""}}) {
    request.headers.Set("Accept-Encoding", accepted);
    const auto response = Await(context, client.Send(request));
    REQUIRE(response);
    CHECK(response->headers.Get("Content-Encoding") == encoding);
    CHECK(response->headers.Get("Vary") == "Accept-Encoding");
    if (encoding == "deflate") {
      CHECK(response->body.size() < 1000);
    } else {
      CHECK((response->body == page));
    }
  }
}

TEST_CASE("A body in pieces arrives as one, compressed or not, and however much is sent at once") {
  // More than sockets hold, pieces that hold nothing, and more of them than one write takes.
  HttpResponse response = Text("begin");
  std::string page = response.body;
  for (size_t i = 0; i < 200; ++i) {
    response.more.emplace_back(i % 3 == 0 ? 0 : i * 500, static_cast<char>('a' + i % 26));
    page += response.more.back();
  }
  REQUIRE(response.body_bytes() == page.size());
  Server server([&](const HttpRequest&) -> asio::awaitable<HttpResponse> { co_return response; });
  asio::io_context context;
  HttpClient client(context);
  HttpClientRequest request;
  request.url = server.url("/");
  for (const char* encoding : {"", "gzip"}) {
    request.headers.Set("Accept-Encoding", encoding);
    const auto received = Await(context, client.Send(request));
    REQUIRE(received);
    CHECK(received->headers.Get("Content-Encoding") == encoding);
    CHECK((received->body == page));
  }
}

TEST_CASE("An exception out of a handler is a 500, and the connection lives on") {
  Server server([](const HttpRequest& request) -> asio::awaitable<HttpResponse> {
    if (request.path == "/bad") throw std::runtime_error("secret");
    co_return Text("ok");
  });
  auto socket = server.Connect();
  socket.Send("GET /bad HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string failed = socket.ReadMessage();
  CHECK(StatusOf(failed) == "HTTP/1.1 500 Internal Server Error");
  CHECK(failed.find("secret") == failed.npos);
  socket.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(BodyOf(socket.ReadMessage()) == "ok");
}

TEST_CASE("A header value cannot end its line") {
  Server server([](const HttpRequest& request) -> asio::awaitable<HttpResponse> {
    HttpResponse response;
    response.headers.Add("Location", request.path);
    co_return response;
  });
  auto socket = server.Connect();
  socket.Send("GET /a%0d%0aSet-Cookie:x HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string message = socket.ReadMessage();
  CHECK(message.find("Location: /a  Set-Cookie:x\r\n") != message.npos);
}

TEST_CASE("A client that goes away sets the stop token of its request") {
  std::optional<ThreadPool> pool(1);
  Latch started;
  Latch stopped;
  Server server([&](const HttpRequest& request) -> asio::awaitable<HttpResponse> {
    co_await Offload(*pool, [&] {
      std::stop_callback on_stop(request.stop, [&] { stopped.Open(); });
      started.Open();
      return stopped.Wait();
    });
    co_return Text("late");
  });
  {
    auto socket = server.Connect();
    socket.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    REQUIRE(started.Wait());
  }
  CHECK(stopped.Wait());
  pool.reset();  // before the contexts that its jobs come back to
}

TEST_CASE("Over the connection limit, a client waits until another leaves") {
  HttpServerOptions options;
  options.max_connections = 1;
  Server server(Echo, options);
  std::optional<RawSocket> first(server.Connect());
  first->Send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(BodyOf(first->ReadMessage()) == "GET /1 []");
  auto second = server.Connect();
  second.Send("GET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(server.server().open_connections() == 1);
  first.reset();
  CHECK(BodyOf(second.ReadMessage()) == "GET /2 []");
}

TEST_CASE("Stop closes idle connections and lets a running request finish") {
  std::optional<ThreadPool> pool(1);
  Latch started;
  Latch release;
  Server server([&](const HttpRequest&) -> asio::awaitable<HttpResponse> {
    co_await Offload(*pool, [&] {
      started.Open();
      release.Wait();
    });
    co_return Text("finished");
  });
  auto idle = server.Connect();
  auto busy = server.Connect();
  busy.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(started.Wait());
  std::thread stopper([&] { server.server().Stop(10s); });
  CHECK(idle.ReadAll().empty());
  release.Open();
  CHECK(BodyOf(busy.ReadAll()) == "finished");
  stopper.join();
  CHECK(server.server().open_connections() == 0);
  CHECK_THROWS(server.Connect());
  pool.reset();  // before the contexts that its jobs come back to
}

TEST_CASE("Stop cancels what does not finish within the grace") {
  std::optional<ThreadPool> pool(1);
  Latch started;
  Latch stopped;
  Server server([&](const HttpRequest& request) -> asio::awaitable<HttpResponse> {
    co_await Offload(*pool, [&] {
      std::stop_callback on_stop(request.stop, [&] { stopped.Open(); });
      started.Open();
      return stopped.Wait();
    });
    co_return Text("late");
  });
  auto busy = server.Connect();
  busy.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(started.Wait());
  server.server().Stop(1ms);
  CHECK(stopped.Wait());
  CHECK(server.server().open_connections() == 0);
  pool.reset();  // before the contexts that its jobs come back to
}

TEST_CASE("Several addresses are served, and one that is taken is named") {
  Runtime runtime(1);
  runtime.Start();
  HttpServerOptions options;
  options.listen_addresses = {"127.0.0.1:0", "localhost:0", ":0"};
  HttpServer server(runtime, options, Echo, Logger());
  REQUIRE(server.Start());
  for (const auto& address : server.addresses()) {
    auto socket = RawSocket::Connect(std::stoi(address.substr(address.rfind(':') + 1)));
    socket.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(BodyOf(socket.ReadMessage()) == "GET / []");
  }
  options.listen_addresses = {server.addresses()[0]};
  HttpServer second(runtime, options, Echo, Logger());
  const Status taken = second.Start();
  REQUIRE_FALSE(taken);
  CHECK(taken.error().message.find(server.addresses()[0]) != std::string::npos);
  for (const auto* bad : {"nonsense", "127.0.0.1:x", "127.0.0.1:99999"}) {
    options.listen_addresses = {bad};
    CHECK_FALSE(HttpServer(runtime, options, Echo, Logger()).Start());
  }
  server.Stop(1s);
  runtime.Stop(1s);
}

}  // namespace
}  // namespace barograph::net
