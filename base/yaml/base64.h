#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace barograph {

/// Base64 with padding (RFC 4648, section 4).
std::string EncodeBase64(std::string_view bytes);

/// White space between the digits is skipped, padding may be missing; nullopt for other bytes.
std::optional<std::string> DecodeBase64(std::string_view text);

}  // namespace barograph
