#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// UTF-8 as Go reads it: what is not valid is taken one byte at a time, each as U+FFFD.
namespace barograph {

inline constexpr char32_t kReplacementRune = 0xFFFD;
inline constexpr std::string_view kReplacementText = "\xEF\xBF\xBD";

struct Rune {
  char32_t code = kReplacementRune;
  size_t size = 1;    ///< in bytes; 1 when not valid
  bool valid = true;  ///< false for a byte that starts no well-formed sequence
};

/// The first character of `text`, which must not be empty. Well-formed is what Unicode 15, table
/// 3-7, says: no overlong forms, no surrogates, nothing above U+10FFFF.
Rune DecodeRune(std::string_view text);

void AppendRune(std::string& out, char32_t code);

bool IsValidUtf8(std::string_view text);

/// Each character in its simple lower or upper case, as Go's strings.ToLower and ToUpper map them;
/// what is not valid becomes U+FFFD.
std::string ToLower(std::string_view text);
std::string ToUpper(std::string_view text);

}  // namespace barograph
