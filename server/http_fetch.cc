#include "server/http_fetch.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>

#include "net/http_client.h"

namespace barograph::server {
namespace {

net::asio::awaitable<void> Fetch(net::HttpClient& client, const net::HttpClientRequest& request,
                                 std::optional<Result<FetchedPage>>& out) {
  auto response = co_await client.Send(request);
  if (!response) {
    out.emplace(std::unexpected(std::move(response.error())));
  } else {
    out.emplace(FetchedPage{response->status, std::string(response->body)});
  }
  client.Close();  // so that nothing is left to run
}

}  // namespace

Result<FetchedPage> HttpFetch(const std::string& url, std::chrono::milliseconds timeout) {
  net::HttpClientRequest request;
  request.url = TRY(net::Url::Parse(url));
  request.timeout = timeout;
  net::asio::io_context context;
  net::HttpClient client(context);
  std::optional<Result<FetchedPage>> page;
  net::asio::co_spawn(context, Fetch(client, request, page), net::asio::detached);
  context.run();
  if (!page) return Fail(ErrorCode::kInternal, "the request to " + url + " never ended");
  return *std::move(page);
}

}  // namespace barograph::server
