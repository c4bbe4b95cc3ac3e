#include "discovery/static/static_provider.h"

#include <utility>

namespace barograph::discovery {

StaticProvider::StaticProvider(std::vector<TargetGroup> groups) : groups_(std::move(groups)) {
  for (size_t i = 0; i < groups_.size(); ++i) groups_[i].source = std::to_string(i);
}

boost::asio::awaitable<void> StaticProvider::Run(GroupSink sink) {
  sink(groups_);
  co_return;
}

}  // namespace barograph::discovery
