#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace barograph::net {

/// An http or https URL, taken apart. A fragment is dropped; user:password@ is refused, because
/// credentials go in the Authorization header.
struct Url {
  std::string scheme;  ///< http or https
  std::string host;    ///< without brackets
  std::string port;    ///< a number, filled in from the scheme
  std::string target;  ///< path and query, at least "/"

  /// InvalidArgument names what is wrong.
  static Result<Url> Parse(std::string_view text);

  /// The URL that `reference`, such as a Location header, means seen from this one (RFC 3986,
  /// section 5.2, without the removal of dot segments).
  Result<Url> Resolve(std::string_view reference) const;

  std::string ToString() const;

  /// host:port as the Host header wants it: brackets around IPv6, no default port.
  std::string Authority() const;

  bool operator==(const Url&) const = default;
};

}  // namespace barograph::net
