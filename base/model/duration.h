#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

/// Prometheus's durations and sizes as text (common/model, "time_durations").
namespace barograph {

/// Parses `[y][w][d][h][m][s][ms]` in that order, such as 1h30m, or plain 0. A year is 365 days.
/// InvalidArgument: `not a valid duration string: "x"`, an empty text, or more than 2^63 ns.
Result<Duration> ParseDuration(std::string_view text);

/// The shortest text that ParseDuration reads back: 90 s is 1m30s, 0 is 0s. Years, weeks and days
/// are used only where they are exact, as Prometheus prints them.
std::string FormatDuration(Duration duration);

/// As Go's time.Duration prints: 1m30s, 100ms, 1h0m0s. Used in a few API fields and messages.
std::string FormatGoDuration(std::chrono::nanoseconds duration);

/// Parses a size: a number and B, KB, MB, GB, TB, PB or EB (KiB ... are accepted too), base 2,
/// unit mandatory except for 0.
Result<uint64_t> ParseBytes(std::string_view text);
/// 512MB, 1GB512MB: as Prometheus shows a size in its configuration.
std::string FormatBytes(uint64_t bytes);

}  // namespace barograph
