#include "web/api/escaped_name.h"

#include <charconv>
#include <optional>

#include "base/bytes/utf8.h"

namespace barograph::web {
namespace {

constexpr std::string_view kPrefix = "U__";
constexpr size_t kMaxHexDigits = 6;

/// The character that `hex` names, when it may stand in UTF-8.
std::optional<char32_t> CodePoint(std::string_view hex) {
  if (hex.empty() || hex.size() > kMaxHexDigits) return std::nullopt;
  uint32_t code = 0;
  const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), code, 16);
  if (error != std::errc() || end != hex.data() + hex.size()) return std::nullopt;
  if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return std::nullopt;
  return code;
}

}  // namespace

std::string UnescapeName(std::string_view escaped) {
  const std::string as_is(escaped);
  if (!escaped.starts_with(kPrefix)) return as_is;
  escaped.remove_prefix(kPrefix.size());
  std::string name;
  while (!escaped.empty()) {
    if (escaped[0] != '_') {
      name += escaped[0];
      escaped.remove_prefix(1);
      continue;
    }
    if (escaped.starts_with("__")) {
      name += '_';
      escaped.remove_prefix(2);
      continue;
    }
    const size_t end = escaped.find('_', 1);
    const auto code = end == escaped.npos ? std::nullopt : CodePoint(escaped.substr(1, end - 1));
    if (!code) return as_is;
    AppendRune(name, *code);
    escaped.remove_prefix(end + 1);
  }
  return name;
}

}  // namespace barograph::web
