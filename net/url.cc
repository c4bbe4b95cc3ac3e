#include "net/url.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/model/number.h"
#include "net/http_message.h"

namespace barograph::net {
namespace {

std::unexpected<Error> Bad(std::string_view text, std::string_view why) {
  return Fail(ErrorCode::kInvalidArgument, fmt::format("parse {}: {}", Quote(text), why));
}

std::string_view DefaultPort(std::string_view scheme) { return scheme == "https" ? "443" : "80"; }

bool IsPort(std::string_view port) {
  uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  return error == std::errc() && end == port.data() + port.size();
}

/// What would break the request line or the Host header.
bool HasForbiddenBytes(std::string_view text) {
  return std::ranges::any_of(text,
                             [](char c) { return static_cast<uint8_t>(c) <= ' ' || c == '\x7f'; });
}

struct HostPort {
  std::string_view host;
  std::string_view port;  // empty when there is none
};

std::optional<HostPort> SplitHostPort(std::string_view authority) {
  if (authority.starts_with('[')) {
    const size_t close = authority.find(']');
    if (close == authority.npos) return std::nullopt;
    const std::string_view rest = authority.substr(close + 1);
    if (!rest.empty() && rest[0] != ':') return std::nullopt;
    return HostPort{authority.substr(1, close - 1), rest.substr(rest.empty() ? 0 : 1)};
  }
  const size_t colon = authority.find(':');
  if (colon == authority.npos) return HostPort{authority, {}};
  if (authority.find(':', colon + 1) != authority.npos) return std::nullopt;
  return HostPort{authority.substr(0, colon), authority.substr(colon + 1)};
}

}  // namespace

Result<Url> Url::Parse(std::string_view text) {
  const size_t colon = text.find("://");
  if (colon == text.npos) return Bad(text, "missing protocol scheme");
  Url url;
  if (EqualsIgnoreCase(text.substr(0, colon), "http")) url.scheme = "http";
  if (EqualsIgnoreCase(text.substr(0, colon), "https")) url.scheme = "https";
  if (url.scheme.empty()) return Bad(text, "unsupported protocol scheme");
  std::string_view rest = text.substr(colon + 3);
  rest = rest.substr(0, rest.find('#'));
  if (HasForbiddenBytes(rest)) return Bad(text, "invalid character in URL");

  const size_t authority_end = std::min(rest.find_first_of("/?"), rest.size());
  const std::string_view authority = rest.substr(0, authority_end);
  if (authority.find('@') != authority.npos) return Bad(text, "credentials in URL");
  const auto host_port = SplitHostPort(authority);
  if (!host_port) return Bad(text, "invalid host");
  if (host_port->host.empty()) return Bad(text, "no Host in request URL");
  url.host = host_port->host;
  url.port = host_port->port.empty() ? DefaultPort(url.scheme) : host_port->port;
  if (!IsPort(url.port)) return Bad(text, fmt::format("invalid port {}", Quote(url.port)));

  url.target = rest.substr(authority_end);
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  return url;
}

Result<Url> Url::Resolve(std::string_view reference) const {
  const size_t scheme_end = reference.find("://");
  if (scheme_end != reference.npos && scheme_end < reference.find_first_of("/?#"))
    return Parse(reference);
  if (reference.starts_with("//")) return Parse(fmt::format("{}:{}", scheme, reference));
  const std::string_view path = std::string_view(target).substr(0, target.find('?'));
  const std::string origin = fmt::format("{}://{}", scheme, Authority());
  if (reference.empty() || reference.starts_with('#')) return Parse(origin + target);
  if (reference.starts_with('/')) return Parse(fmt::format("{}{}", origin, reference));
  if (reference.starts_with('?')) return Parse(fmt::format("{}{}{}", origin, path, reference));
  const std::string_view folder = path.substr(0, path.rfind('/') + 1);
  return Parse(fmt::format("{}{}{}", origin, folder, reference));
}

std::string Url::ToString() const { return fmt::format("{}://{}{}", scheme, Authority(), target); }

std::string Url::Authority() const {
  const bool v6 = host.find(':') != host.npos;
  std::string authority = v6 ? fmt::format("[{}]", host) : host;
  if (port != DefaultPort(scheme)) authority += ":" + port;
  return authority;
}

}  // namespace barograph::net
