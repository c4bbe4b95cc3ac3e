#pragma once

#include <string_view>

namespace barograph::web {

/// The first `bytes` bytes of a text, or fewer where that would cut a character in two.
constexpr std::string_view Shorten(std::string_view text, size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
  return text.substr(0, bytes);
}

}  // namespace barograph::web
