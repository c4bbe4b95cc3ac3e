#pragma once

#include <string>
#include <string_view>

/// Text as a JSON string (RFC 8259), in quotes. Only what must be escaped is; a byte that is not
/// UTF-8 becomes U+FFFD, so that the result is always valid.
namespace barograph {

void AppendJsonText(std::string& out, std::string_view text);

}  // namespace barograph
