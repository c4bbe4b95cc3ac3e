#pragma once

#include <vector>

#include "discovery/provider.h"

namespace barograph::discovery {

/// Targets that stand in the configuration. Sends them once and ends.
class StaticProvider final : public Provider {
 public:
  /// Sources are made up from the groups' order.
  explicit StaticProvider(std::vector<TargetGroup> groups);

  std::string_view mechanism() const override { return "static"; }
  boost::asio::awaitable<void> Run(GroupSink sink) override;

 private:
  std::vector<TargetGroup> groups_;
};

}  // namespace barograph::discovery
