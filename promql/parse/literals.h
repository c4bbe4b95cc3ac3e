#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

/// The values of number, duration and string tokens.
namespace barograph::promql {

/// Integers as Go's strconv.ParseInt(text, 0, 64) reads them (0x, octal with a leading 0,
/// underscores), else as Go's strconv.ParseFloat; the error is Go's text.
std::expected<double, std::string> NumberValue(std::string_view text);

/// As Go's strconv.ParseUint(text, 10, 64); the error is Go's text.
std::expected<uint64_t, std::string> UnsignedValue(std::string_view text);

/// The text between the quotes, escapes resolved: "...", '...' or `...`. nullopt where an escape is
/// wrong, or the quotes do not match.
std::optional<std::string> Unquote(std::string_view quoted);

/// Seconds in whole nanoseconds, rounded, then cut to milliseconds. Out of range gives the ends.
Duration DurationFromSeconds(double seconds);

/// Whether that many seconds, as nanoseconds, overflow 64 bits.
bool IsDurationOutOfRange(double seconds);

/// Go's time.Duration.Seconds().
double SecondsOf(Duration duration);

}  // namespace barograph::promql
