#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace barograph::net {

/// The endpoint to bind for host:port as a flag gives it: ":9090", "127.0.0.1:9090", "[::1]:0",
/// "localhost:9090". An empty host is every address, by IPv6 where the machine has it. May block
/// to look a name up. InvalidArgument or Unavailable names the address.
Result<boost::asio::ip::tcp::endpoint> ResolveListenAddress(std::string_view address);

/// host:port, with brackets around an IPv6 address.
std::string ToString(const boost::asio::ip::tcp::endpoint& endpoint);

}  // namespace barograph::net
