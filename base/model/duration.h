#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

/// Prometheus's durations and sizes as text (common/model, "time_durations").
namespace barograph {

/// Parses `[y][w][d][h][m][s][ms]` in that order, such as 1h30m, or plain 0. A year is 365 days.
/// InvalidArgument, with Prometheus's words: `empty duration string`, `not a valid duration string:
/// "x"`, `unknown unit "x" in duration "1x"`, or `duration out of range` above 2^63 - 1 ns.
Result<Duration> ParseDuration(std::string_view text);

/// The text that Prometheus prints and ParseDuration reads back: 90 s is 1m30s, 0 is 0s. Years and
/// weeks are used only where they are exact: 8 days are 8d. A negative one has a leading minus,
/// which ParseDuration refuses.
std::string FormatDuration(Duration duration);

/// As Go's time.Duration prints: 1m30s, 100ms, 1h0m0s, 1.5µs. Used in a few API fields and
/// messages.
std::string FormatGoDuration(std::chrono::nanoseconds duration);

/// Parses a size: numbers, each with B, KB, MB, GB, TB, PB or EB (or KiB ...), base 2, added up:
/// 1GB512MB, 1.5GB. The unit may only be missing from 0. InvalidArgument for anything else, for
/// what is negative and for 2^63 bytes or more.
Result<uint64_t> ParseBytes(std::string_view text);

/// As Prometheus shows a size in its configuration: 512MiB, 1GiB512MiB, 0B.
std::string FormatBytes(uint64_t bytes);

}  // namespace barograph
