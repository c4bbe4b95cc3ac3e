#include "net/http_client.h"

#include <fmt/format.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <future>

#include "net/compression.h"
#include "net/runtime.h"
#include "tests/net/io.h"

namespace barograph::net {
namespace {

using namespace std::chrono_literals;
using test::Await;
using test::RawServer;
using test::RawSocket;

HttpClientRequest Get(const std::string& url) {
  HttpClientRequest request;
  request.url = *Url::Parse(url);
  return request;
}

std::string Reply(std::string_view body, std::string_view headers = "",
                  std::string_view status = "200 OK") {
  return fmt::format("HTTP/1.1 {}\r\n{}Content-Length: {}\r\n\r\n{}", status, headers, body.size(),
                     body);
}

/// Answers every request of a connection with the same bytes.
std::function<void(RawSocket&, int)> Always(std::string reply) {
  return [reply = std::move(reply)](RawSocket& socket, int) {
    while (!socket.ReadUntil("\r\n\r\n").empty())
      if (!socket.Send(reply)) return;
  };
}

/// Answers once and ends the connection.
std::function<void(RawSocket&, int)> Once(std::string reply) {
  return [reply = std::move(reply)](RawSocket& socket, int) {
    socket.ReadUntil("\r\n\r\n");
    socket.Send(reply);
  };
}

class Client {
 public:
  Result<HttpClientResponse> Send(const HttpClientRequest& request) {
    return Await(context, client.Send(request));
  }
  std::string Body(const HttpClientRequest& request) {
    const auto response = Send(request);
    return response ? std::string(response->body) : "failed: " + response.error().message;
  }
  Error Failure(const HttpClientRequest& request) {
    const auto response = Send(request);
    return response ? Error{ErrorCode::kInternal, "succeeded"} : response.error();
  }

  asio::io_context context;
  HttpClient client{context};
};

TEST_CASE("A connection is kept from one request to the next") {
  std::atomic<int> connections = 0;
  RawServer server([&](RawSocket& socket, int) {
    ++connections;
    Always(Reply("up 1\n"))(socket, 0);
  });
  Client client;
  for (int i = 0; i < 5; ++i) CHECK(client.Body(Get(server.url())) == "up 1\n");
  client.client.Close();
  CHECK(connections == 1);
}

TEST_CASE("The request says what it was given, and nothing that the caller did not mean") {
  std::promise<std::string> seen;
  RawServer server([&](RawSocket& socket, int) {
    seen.set_value(socket.ReadUntil("\r\n\r\nabc"));
    socket.Send(Reply(""));
  });
  Client client;
  auto request = Get(server.url("/push?a=b"));
  request.method = "POST";
  request.body = "abc";
  request.headers.Add("X-One", "1");
  REQUIRE(client.Send(request));
  CHECK(seen.get_future().get() ==
        fmt::format("POST /push?a=b HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nX-One: 1\r\n"
                    "Content-Length: 3\r\n\r\nabc",
                    server.port()));
  request.headers.Set("X-One", "1\r\nX-Two: 2");
  CHECK(client.Failure(request).code == ErrorCode::kInvalidArgument);
}

TEST_CASE("Status and headers are those of the response") {
  RawServer server(Once(Reply("oh", "X-Thing:  a b \r\n", "503 Busy")));
  Client client;
  const auto response = client.Send(Get(server.url()));
  REQUIRE(response);
  CHECK(response->status == 503);
  CHECK(response->headers.Get("x-thing") == "a b");
}

TEST_CASE("Chunked bodies and bodies up to the end of the connection are whole") {
  RawServer chunked(Once(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"));
  RawServer open_ended(Once("HTTP/1.0 200 OK\r\n\r\nall of it"));
  Client client;
  CHECK(client.Body(Get(chunked.url())) == "abcde");
  CHECK(client.Body(Get(open_ended.url())) == "all of it");
}

TEST_CASE("A body of many megabytes arrives unharmed") {
  std::string page;
  while (page.size() < 20'000'000) page += fmt::format("metric_{} {}\n", page.size(), page.size());
  RawServer server(Always(Reply(page)));
  Client client;
  CHECK((client.Body(Get(server.url())) == page));
  CHECK((client.Body(Get(server.url())) == page));
}

TEST_CASE("A response is the same in whatever pieces it comes") {
  const std::string body = "metric_a 1\nmetric_b 2\n";
  const std::string reply = Reply(body);
  for (size_t cut = 1; cut < reply.size(); cut += 3) {
    RawServer server([&](RawSocket& socket, int) {
      while (!socket.ReadUntil("\r\n\r\n").empty()) {
        socket.Send(reply.substr(0, cut));
        std::this_thread::yield();
        socket.Send(reply.substr(cut));
      }
    });
    Client client;
    for (int i = 0; i < 3; ++i) CHECK(client.Body(Get(server.url())) == body);
    client.client.Close();
  }
}

TEST_CASE("What follows an informational response in the same packet is read") {
  RawServer server(Always(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + Reply("late")));
  Client client;
  for (int i = 0; i < 3; ++i) CHECK(client.Body(Get(server.url())) == "late");
  client.client.Close();
}

TEST_CASE("Gzip bodies are decoded, of several members too") {
  const std::string page(100'000, 'x');
  const std::string packed = Compress(page, ContentEncoding::kGzip);
  RawServer one(Once(Reply(packed, "Content-Encoding: gzip\r\n")));
  RawServer two(Once(Reply(packed + packed, "Content-Encoding: gzip\r\n")));
  RawServer none(Once(Reply("", "Content-Encoding: gzip\r\n")));
  Client client;
  CHECK((client.Body(Get(one.url())) == page));
  CHECK((client.Body(Get(two.url())) == page + page));
  CHECK(client.Body(Get(none.url())).empty());
}

TEST_CASE("What calls itself gzip and is not, or is cut off, is refused") {
  const std::string packed = Compress(std::string(1000, 'x'), ContentEncoding::kGzip);
  const std::string headers = "Content-Encoding: gzip\r\n";
  for (const std::string& bad : {std::string("a 1\n"), packed.substr(0, packed.size() - 3),
                                 packed + "junk", packed.substr(0, 5)}) {
    RawServer server(Once(Reply(bad, headers)));
    Client client;
    const Error error = client.Failure(Get(server.url()));
    CHECK(error.code == ErrorCode::kCorruption);
    CHECK(error.message.find("gzip") != error.message.npos);
  }
}

TEST_CASE("The body limit holds for plain, chunked and compressed bodies") {
  const std::string page(200'001, 'x');
  const std::string bomb = Compress(std::string(50'000'000, '\0'), ContentEncoding::kGzip);
  std::string lying = bomb;  // its trailer claims less than there is
  lying[lying.size() - 1] = lying[lying.size() - 2] = 0;
  const std::vector<std::string> replies = {
      Reply(page),
      "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
      fmt::format("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n",
                  page.size(), page),
      Reply(bomb, "Content-Encoding: gzip\r\n"),
      Reply(lying, "Content-Encoding: gzip\r\n"),
  };
  for (const auto& reply : replies) {
    RawServer server(Once(reply));
    Client client;
    auto request = Get(server.url());
    request.max_body_bytes = 200'000;
    const Error error = client.Failure(request);
    CHECK(error.code == ErrorCode::kLimitExceeded);
    CHECK(error.message.find("body size limit exceeded") != error.message.npos);
  }
  RawServer server(Once(Reply(page)));
  Client client;
  auto request = Get(server.url());
  request.max_body_bytes = page.size();
  CHECK(client.Send(request));
}

TEST_CASE("Endless headers are refused") {
  RawServer server([](RawSocket& socket, int) {
    socket.ReadUntil("\r\n\r\n");
    socket.Send("HTTP/1.1 200 OK\r\n");
    while (socket.Send("X-Filler: " + std::string(1000, 'x') + "\r\n")) {
    }
  });
  Client client;
  CHECK(client.Failure(Get(server.url())).code == ErrorCode::kLimitExceeded);
}

TEST_CASE("Errors read as users of Prometheus know them") {
  Client client;
  const int port = test::ClosedPort();
  const std::string url = fmt::format("http://127.0.0.1:{}/metrics", port);
  CHECK(client.Failure(Get(url)) ==
        Error{ErrorCode::kUnavailable,
              fmt::format("Get \"{}\": dial tcp 127.0.0.1:{}: connect: connection refused", url,
                          port)});

  RawServer silent([](RawSocket& socket, int) { socket.ReadUntil("\r\n\r\n"); });
  CHECK(client.Failure(Get(silent.url())) ==
        Error{ErrorCode::kUnavailable, fmt::format("Get \"{}\": EOF", silent.url())});

  RawServer resets([](RawSocket& socket, int) {
    socket.ReadUntil("\r\n\r\n");
    socket.Reset();
  });
  const Error reset = client.Failure(Get(resets.url()));
  CHECK(reset.code == ErrorCode::kUnavailable);
  CHECK(reset.message.ends_with(
      fmt::format("->127.0.0.1:{}: read: connection reset by peer", resets.port())));

  RawServer cut_off(Once("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\na 1\n"));
  CHECK(client.Failure(Get(cut_off.url())) == Error{ErrorCode::kUnavailable, "unexpected EOF"});

  RawServer other(Once("SSH-2.0-OpenSSH_9.2\r\n"));
  CHECK(client.Failure(Get(other.url())) ==
        Error{ErrorCode::kCorruption,
              fmt::format("Get \"{}\": malformed HTTP response \"SSH-2.0-OpenSSH_9.2\"",
                          other.url())});
}

TEST_CASE("A name that does not resolve is an error that says so") {
  Client client;
  const Error error = client.Failure(Get("http://name.invalid/"));
  CHECK(error.code == ErrorCode::kUnavailable);
  CHECK(error.message.starts_with("Get \"http://name.invalid/\": dial tcp: lookup name.invalid: "));
}

TEST_CASE("One deadline covers silence, slow drips and redirects") {
  std::atomic<bool> over = false;
  RawServer drips([&](RawSocket& socket, int) {
    socket.ReadUntil("\r\n\r\n");
    socket.Send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
    while (!over && socket.Send("a")) std::this_thread::yield();
  });
  RawServer silent([&](RawSocket& socket, int) { socket.ReadAll(); });
  RawServer away(Once(Reply("", "Location: " + silent.url() + "\r\n", "302 Found")));
  const auto failure = [](const RawServer& server) {
    Client client;
    auto request = Get(server.url());
    request.timeout = 50ms;
    return client.Failure(request);
  };
  CHECK(failure(drips) == Error{ErrorCode::kTimeout, "context deadline exceeded"});
  for (const auto* server : {&silent, &away})
    CHECK(failure(*server) ==
          Error{ErrorCode::kTimeout,
                fmt::format("Get \"{}\": context deadline exceeded", server->url())});
  over = true;
}

TEST_CASE("Each request has its own deadline, whatever the one before had") {
  RawServer server([](RawSocket& socket, int) {
    for (bool answer = true; !socket.ReadUntil("\r\n\r\n").empty(); answer = !answer)
      if (answer) socket.Send(Reply("x"));
  });
  Client client;
  auto request = Get(server.url());
  using Milliseconds = std::chrono::milliseconds;
  const std::pair<Milliseconds, Milliseconds> timeouts[] = {{10s, 50ms}, {500ms, 600ms}};
  for (const auto& [first, second] : timeouts) {
    request.timeout = first;
    REQUIRE(client.Body(request) == "x");
    request.timeout = second;
    const auto begin = std::chrono::steady_clock::now();
    CHECK(client.Failure(request).code == ErrorCode::kTimeout);
    const auto took = std::chrono::steady_clock::now() - begin;
    CHECK(took >= second);
    CHECK(took < 5s);
  }
}

TEST_CASE("A kept connection that the server has closed is replaced without an error") {
  RawServer server(Once(Reply("x")));
  Client client;
  for (int i = 0; i < 5; ++i) CHECK(client.Body(Get(server.url())) == "x");
}

TEST_CASE("A kept connection that breaks under the request is tried once more, a new one is not") {
  std::atomic<int> connections = 0;
  RawServer server([&](RawSocket& socket, int) {
    socket.ReadUntil("\r\n\r\n");
    if (connections++ == 1) return;  // the second connection never answers
    socket.Send(Reply("x"));
    socket.ReadUntil("\r\n\r\n");  // takes a second request, and closes
  });
  Client client;
  CHECK(client.Body(Get(server.url())) == "x");
  CHECK(client.Failure(Get(server.url())).message.ends_with("EOF"));
  CHECK(connections == 2);
  auto post = Get(server.url());
  post.method = "POST";
  CHECK(client.Body(post) == "x");
  CHECK(client.Failure(post).message.ends_with("EOF"));
  CHECK(connections == 3);
}

TEST_CASE("Redirects are followed, credentials only to the same host") {
  std::vector<std::string> seen;
  RawServer target([&](RawSocket& socket, int) {
    seen.push_back(socket.ReadUntil("\r\n\r\n"));
    socket.Send(Reply("there", "Connection: close\r\n"));
  });
  const std::string elsewhere = fmt::format("http://localhost:{}/far", target.port());
  RawServer server([&](RawSocket& socket, int) {
    const std::string request = socket.ReadUntil("\r\n\r\n");
    seen.push_back(request);
    const std::string location = request.starts_with("GET /a") ? "b?x=1" : elsewhere;
    socket.Send(Reply("", "Connection: close\r\nLocation: " + location + "\r\n", "301 Moved"));
  });
  Client client;
  auto request = Get(server.url("/a"));
  request.headers.Add("Authorization", "secret");
  CHECK(client.Body(request) == "there");
  REQUIRE(seen.size() == 3);
  CHECK(seen[1].starts_with("GET /b?x=1 "));
  CHECK(seen[1].find("secret") != seen[1].npos);
  CHECK(seen[2].starts_with("GET /far "));
  CHECK(seen[2].find("secret") == seen[2].npos);

  request.follow_redirects = false;
  const auto response = client.Send(request);
  REQUIRE(response);
  CHECK(response->status == 301);
}

TEST_CASE("A circle of redirects ends after ten") {
  std::atomic<int> requests = 0;
  RawServer server([&](RawSocket& socket, int) {
    while (!socket.ReadUntil("\r\n\r\n").empty()) {
      ++requests;
      socket.Send(Reply("", "Location: /again\r\n", "302 Found"));
    }
  });
  Client client;
  CHECK(client.Failure(Get(server.url())).message.ends_with("stopped after 10 redirects"));
  CHECK(requests == 11);
}

TEST_CASE("Informational responses are skipped, a flood of them is not followed") {
  RawServer polite(Once("HTTP/1.1 103 Early Hints\r\n\r\n" + Reply("x")));
  RawServer flood([](RawSocket& socket, int) {
    while (socket.Send("HTTP/1.1 103 Early Hints\r\n\r\n")) {
    }
  });
  Client client;
  CHECK(client.Body(Get(polite.url())) == "x");
  CHECK(client.Failure(Get(flood.url())).code == ErrorCode::kCorruption);
}

TEST_CASE("Bytes that nobody asked for end the connection") {
  RawServer server(Once(Reply("x") + Reply("smuggled")));
  Client client;
  CHECK(client.Body(Get(server.url())) == "x");
  CHECK(client.Body(Get(server.url())) == "x");
}

TEST_CASE("A closed client leaves its context nothing to do") {
  RawServer server(Always(Reply("x")));
  Client client;
  auto request = Get(server.url());
  request.timeout = 1h;
  CHECK(client.Body(request) == "x");
  client.client.Close();
  client.context.restart();
  client.context.run();
  CHECK(client.Body(request) == "x");
  client.client.Close();
}

TEST_CASE("A client that is closed or cancelled in the middle says that it was cancelled") {
  RawServer silent([&](RawSocket& socket, int) { socket.ReadAll(); });
  Client client;
  std::optional<Error> failure;
  const auto request = Get(silent.url());
  const auto send = [&]() -> asio::awaitable<void> {
    failure.reset();
    const auto response = co_await client.client.Send(request);
    if (!response) failure = response.error();
  };
  TaskScope closed(client.context);
  closed.Spawn(send());
  client.context.poll();
  client.client.Close();
  Await(client.context, closed.Stop());
  REQUIRE(failure);
  CHECK(failure->code == ErrorCode::kCancelled);

  TaskScope cancelled(client.context);
  cancelled.Spawn(send());
  client.context.restart();
  client.context.poll();
  Await(client.context, cancelled.Stop());
  REQUIRE(failure);
  CHECK(failure->code == ErrorCode::kCancelled);
}

}  // namespace
}  // namespace barograph::net
