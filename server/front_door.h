#pragma once

#include <memory>

#include "net/http_server.h"

namespace barograph::server {

/// Lets the listener open before there is anything to serve: answers 503 (and /-/healthy 200)
/// until the real handler is there. Thread-safe; copies of Handler() keep what they need.
class FrontDoor {
 public:
  FrontDoor();

  net::HttpHandler Handler() const;
  void Open(net::HttpHandler handler);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace barograph::server
