#include "server/front_door.h"

#include <utility>

#include "base/mutex.h"

namespace barograph::server {
namespace {

net::HttpResponse NotYet(const net::HttpRequest& request) {
  net::HttpResponse response;
  response.headers.Set("Content-Type", "text/plain; charset=utf-8");
  if (request.path.ends_with("/-/healthy")) {
    response.body = "Prometheus Server is Healthy.\n";
    return response;
  }
  response.status = 503;
  response.headers.Set("X-Prometheus-Stopping", "false");
  response.body = "Service Unavailable";
  return response;
}

}  // namespace

struct FrontDoor::State {
  Mutex mutex;
  std::shared_ptr<const net::HttpHandler> handler GUARDED_BY(mutex);
};

FrontDoor::FrontDoor() : state_(std::make_shared<State>()) {}

net::HttpHandler FrontDoor::Handler() const {
  return
      [state = state_](const net::HttpRequest& request) -> net::asio::awaitable<net::HttpResponse> {
        std::shared_ptr<const net::HttpHandler> handler;
        {
          const MutexLock lock(state->mutex);
          handler = state->handler;
        }
        if (!handler) co_return NotYet(request);
        co_return co_await (*handler)(request);
      };
}

void FrontDoor::Open(net::HttpHandler handler) {
  const MutexLock lock(state_->mutex);
  state_->handler = std::make_shared<const net::HttpHandler>(std::move(handler));
}

}  // namespace barograph::server
