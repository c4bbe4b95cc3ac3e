#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "discovery/target_group.h"

namespace barograph::discovery {

/// Takes the groups that changed. Called on the provider's I/O thread.
using GroupSink = std::function<void(std::vector<TargetGroup>)>;

/// One configured discovery mechanism. Lives on one I/O thread.
class Provider {
 public:
  virtual ~Provider() = default;

  /// For logs and metrics: "static", "file", "kubernetes".
  virtual std::string_view mechanism() const = 0;

  /// Sends every group once and then each change, until it is cancelled. Trouble is logged and
  /// retried, never thrown; the last good groups stand meanwhile.
  virtual boost::asio::awaitable<void> Run(GroupSink sink) = 0;
};

}  // namespace barograph::discovery
