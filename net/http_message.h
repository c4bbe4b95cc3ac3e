#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// HTTP requests and responses as plain values, for the server and the client alike.
namespace barograph::net {

/// Header fields in order; names compare without regard to case.
class HttpHeaders {
 public:
  void Add(std::string name, std::string value);
  /// Replaces all fields of that name.
  void Set(std::string_view name, std::string value);
  void Remove(std::string_view name);
  /// The first field of that name, or empty.
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

/// A URL query or a form body, decoded (application/x-www-form-urlencoded), in order.
class FormValues {
 public:
  /// Malformed escapes are kept as they are written.
  static FormValues Parse(std::string_view encoded);

  void Append(const FormValues& more);
  std::string_view Get(std::string_view name) const;  ///< the first, or empty
  std::vector<std::string_view> GetAll(std::string_view name) const;
  bool Has(std::string_view name) const;
  std::string Encode() const;
  void Add(std::string name, std::string value);

 private:
  std::vector<std::pair<std::string, std::string>> values_;
};

/// Percent-encoding for a query component, and back ("+" is a space).
std::string UrlEncode(std::string_view text);
std::string UrlDecode(std::string_view text);
/// Percent-decoding of a path, where "+" is a plus.
std::string PathDecode(std::string_view text);

/// ASCII case only, as for header names and schemes.
bool EqualsIgnoreCase(std::string_view a, std::string_view b);

struct HttpResponse {
  int status = 200;
  HttpHeaders headers;
  std::string body;
  std::vector<std::string> more;  ///< of the body: pieces behind it, which nobody puts together

  size_t body_bytes() const;
};

/// The standard phrase of a status code, such as "Not Found".
std::string_view ReasonPhrase(int status);

}  // namespace barograph::net
