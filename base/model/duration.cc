#include "base/model/duration.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/model/number.h"

namespace barograph {
namespace {

struct DurationUnit {
  std::string_view name;
  int64_t ms;
  bool only_when_exact;  // in output
};

// From the largest to the smallest, the order in which a text must have them.
constexpr DurationUnit kUnits[] = {
    {"y", 365LL * 24 * 3600 * 1000, true},
    {"w", 7LL * 24 * 3600 * 1000, true},
    {"d", 24LL * 3600 * 1000, false},
    {"h", 3600LL * 1000, false},
    {"m", 60LL * 1000, false},
    {"s", 1000, false},
    {"ms", 1, false},
};

// Prometheus counts in nanoseconds, in 63 bits.
constexpr uint64_t kMaxMs = (uint64_t{1} << 63) / 1'000'000;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Takes the characters from the front of `text` that `accept` accepts.
template <typename Accept>
std::string_view TakeWhile(std::string_view& text, Accept accept) {
  const auto end = std::ranges::find_if_not(text, accept);
  const std::string_view taken(text.begin(), end);
  text.remove_prefix(taken.size());
  return taken;
}

std::unexpected<Error> NotADuration(std::string_view text) {
  return Fail(ErrorCode::kInvalidArgument, "not a valid duration string: " + Quote(text));
}

// A fraction of a unit with its trailing zeros dropped: value / 10^digits.
std::string FormatFraction(uint64_t value, int digits) {
  std::string text = fmt::format(".{:0{}}", value, digits);
  text.erase(text.find_last_not_of('0') + 1);
  return text == "." ? "" : text;
}

std::string FormatBelowSecond(uint64_t ns) {
  if (ns == 0) return "0s";
  if (ns < 1000) return fmt::format("{}ns", ns);
  if (ns < 1'000'000) return fmt::format("{}{}µs", ns / 1000, FormatFraction(ns % 1000, 3));
  return fmt::format("{}{}ms", ns / 1'000'000, FormatFraction(ns % 1'000'000, 6));
}

std::string FormatMagnitude(uint64_t ns) {
  constexpr uint64_t kSecond = 1'000'000'000;
  if (ns < kSecond) return FormatBelowSecond(ns);
  const uint64_t seconds = ns / kSecond;
  std::string text;
  if (seconds >= 3600) text += fmt::format("{}h", seconds / 3600);
  if (seconds >= 60) text += fmt::format("{}m", seconds / 60 % 60);
  return text + fmt::format("{}{}s", seconds % 60, FormatFraction(ns % kSecond, 9));
}

constexpr std::string_view kSizePrefixes = "KMGTPE";

// Bytes of a unit: B, KB or KiB, ...; 0 when there is no such unit.
uint64_t SizeUnit(std::string_view name) {
  if (name == "B") return 1;
  if (name.empty() || (name.substr(1) != "B" && name.substr(1) != "iB")) return 0;
  const size_t power = kSizePrefixes.find(name[0]);
  return power == std::string_view::npos ? 0 : uint64_t{1} << (10 * (power + 1));
}

}  // namespace

Result<Duration> ParseDuration(std::string_view text) {
  if (text == "0") return Duration(0);
  if (text.empty()) return Fail(ErrorCode::kInvalidArgument, "empty duration string");
  const auto out_of_range = [] {
    return Fail(ErrorCode::kInvalidArgument, "duration out of range");
  };
  uint64_t total_ms = 0;
  auto next_unit = std::begin(kUnits);
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view digits = TakeWhile(rest, IsDigit);
    const std::string_view name = TakeWhile(rest, [](char c) { return !IsDigit(c); });
    uint64_t number;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (parsed.ec != std::errc() || name.empty()) return NotADuration(text);
    const auto unit = std::ranges::find(kUnits, name, &DurationUnit::name);
    if (unit == std::end(kUnits)) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("unknown unit {} in duration {}", Quote(name), Quote(text)));
    }
    if (unit < next_unit) return NotADuration(text);
    next_unit = unit + 1;
    if (number > kMaxMs / static_cast<uint64_t>(unit->ms)) return out_of_range();
    total_ms += number * static_cast<uint64_t>(unit->ms);
    if (total_ms > kMaxMs) return out_of_range();
  }
  return Duration(static_cast<int64_t>(total_ms));
}

std::string FormatDuration(Duration duration) {
  int64_t ms = duration.count();
  if (ms == 0) return "0s";
  std::string text;
  if (ms < 0) {
    text = "-";
    ms = ms == std::numeric_limits<int64_t>::min() ? std::numeric_limits<int64_t>::max() : -ms;
  }
  for (const DurationUnit& unit : kUnits) {
    if (unit.only_when_exact && ms % unit.ms != 0) continue;
    if (ms >= unit.ms) text += fmt::format("{}{}", ms / unit.ms, unit.name);
    ms %= unit.ms;
  }
  return text;
}

std::string FormatGoDuration(std::chrono::nanoseconds duration) {
  const int64_t ns = duration.count();
  if (ns >= 0) return FormatMagnitude(static_cast<uint64_t>(ns));
  return "-" + FormatMagnitude(~static_cast<uint64_t>(ns) + 1);
}

Result<uint64_t> ParseBytes(std::string_view text) {
  if (text == "0") return uint64_t{0};
  const auto invalid = [&](std::string_view what) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("units: {}{}", what, text));
  };
  if (text.empty()) return invalid("invalid ");
  double total = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const auto is_number = [](char c) { return IsDigit(c) || c == '.'; };
    const std::string_view digits = TakeWhile(rest, is_number);
    const std::string_view name = TakeWhile(rest, [&](char c) { return !is_number(c); });
    const std::optional<double> number = ParseValue(digits);
    if (!number) return invalid("invalid ");
    const uint64_t unit = SizeUnit(name);
    if (unit == 0) return invalid(fmt::format("unknown unit {} in ", name));
    total += *number * static_cast<double>(unit);
  }
  if (total >= 0x1p63) return Fail(ErrorCode::kInvalidArgument, "units: overflow parsing unit");
  return static_cast<uint64_t>(total);
}

std::string FormatBytes(uint64_t bytes) {
  std::string text;
  for (size_t power = kSizePrefixes.size(); power > 0; --power) {
    const uint64_t unit = uint64_t{1} << (10 * power);
    if (bytes >= unit) text += fmt::format("{}{}iB", bytes / unit, kSizePrefixes[power - 1]);
    bytes %= unit;
  }
  if (bytes > 0 || text.empty()) text += fmt::format("{}B", bytes);
  return text;
}

}  // namespace barograph
