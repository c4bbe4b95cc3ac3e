#include "net/listen_address.h"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <charconv>

#include "base/model/number.h"

namespace barograph::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

bool MachineHasIpv6() {
  asio::io_context context;
  tcp::acceptor probe(context);
  error_code error;
  probe.open(tcp::v6(), error);
  if (!error) probe.bind(tcp::endpoint(tcp::v6(), 0), error);
  return !error;
}

}  // namespace

Result<tcp::endpoint> ResolveListenAddress(std::string_view address) {
  const size_t colon = address.rfind(':');
  if (colon == address.npos)
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("listen address {}: missing port", Quote(address)));
  std::string_view host = address.substr(0, colon);
  const std::string_view digits = address.substr(colon + 1);
  uint16_t port = 0;
  const auto [end, bad] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (bad != std::errc() || end != digits.data() + digits.size())
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("listen address {}: invalid port", Quote(address)));
  if (host.empty()) return tcp::endpoint(MachineHasIpv6() ? tcp::v6() : tcp::v4(), port);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);

  error_code error;
  const auto literal = asio::ip::make_address(host, error);
  if (!error) return tcp::endpoint(literal, port);
  asio::io_context context;
  tcp::resolver resolver(context);
  const auto found = resolver.resolve(host, digits, tcp::resolver::passive, error);
  if (error || found.empty())
    return Fail(ErrorCode::kUnavailable, fmt::format("listen tcp: lookup {}: no such host", host));
  return found.begin()->endpoint();
}

std::string ToString(const tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  return endpoint.address().is_v6() ? fmt::format("[{}]:{}", address, endpoint.port())
                                    : fmt::format("{}:{}", address, endpoint.port());
}

}  // namespace barograph::net
