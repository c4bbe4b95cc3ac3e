#include "web/api/parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "base/model/duration.h"
#include "base/model/number.h"

namespace barograph::web {
namespace {

/// The ends of time as Prometheus's clients send them.
constexpr std::string_view kMinTimeText = "-292273086-05-16T16:47:06Z";
constexpr std::string_view kMaxTimeText = "292277025-08-18T07:12:54.999999999Z";

std::unexpected<Error> Bad(std::string message) {
  return Fail(ErrorCode::kInvalidArgument, std::move(message));
}

/// Whole milliseconds of a number of seconds, rounded as Go's API does it: the fraction to
/// milliseconds, then through nanoseconds.
Timestamp FromUnixSeconds(double seconds) {
  constexpr double kMaxSeconds = static_cast<double>(ToMs(kMaxTimestamp)) / 1000;
  if (seconds >= kMaxSeconds) return kMaxTimestamp;
  if (seconds <= -kMaxSeconds) return kMinTimestamp;
  double whole = 0;
  const double fraction = std::round(std::modf(seconds, &whole) * 1000) / 1000;
  const auto nanoseconds = std::chrono::nanoseconds(static_cast<int64_t>(fraction * 1e9));
  return FromMs(static_cast<int64_t>(whole) * 1000) + std::chrono::floor<Duration>(nanoseconds);
}

/// Reads fixed fields of a text from its start.
class Fields {
 public:
  explicit Fields(std::string_view text) : rest_(text) {}

  /// `digits` digits, in [min, max].
  int Number(size_t digits, int min, int max) {
    if (rest_.size() < digits) return Broken();
    int value = 0;
    for (size_t i = 0; i < digits; ++i) {
      if (rest_[i] < '0' || rest_[i] > '9') return Broken();
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(digits);
    return value < min || value > max ? Broken() : value;
  }

  bool Take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void Expect(char c) {
    if (!Take(c)) Broken();
  }

  /// The digits of a fraction, to nanoseconds.
  std::chrono::nanoseconds Fraction() {
    int64_t nanoseconds = 0;
    int64_t unit = 100'000'000;
    size_t digits = 0;
    for (; digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9'; ++digits) {
      nanoseconds += unit * (rest_[digits] - '0');
      unit /= 10;
    }
    if (digits == 0) Broken();
    rest_.remove_prefix(digits);
    return std::chrono::nanoseconds(nanoseconds);
  }

  bool Ended() const { return rest_.empty(); }
  bool ok() const { return ok_; }

 private:
  int Broken() {
    ok_ = false;
    return 0;
  }
  std::string_view rest_;
  bool ok_ = true;
};

/// How far local time is ahead: Z, +01:00, -07:30.
std::chrono::minutes ReadZone(Fields& fields) {
  if (fields.Take('Z')) return {};
  const int sign = fields.Take('-') ? -1 : 1;
  if (sign == 1) fields.Expect('+');
  const int hours = fields.Number(2, 0, 23);
  fields.Expect(':');
  const int minutes = fields.Number(2, 0, 59);
  return std::chrono::minutes(sign * (hours * 60 + minutes));
}

std::optional<Timestamp> ParseRfc3339(std::string_view text) {
  using namespace std::chrono;
  Fields fields(text);
  const int y = fields.Number(4, 0, 9999);
  fields.Expect('-');
  const int m = fields.Number(2, 1, 12);
  fields.Expect('-');
  const int d = fields.Number(2, 1, 31);
  fields.Expect('T');
  const hours hour(fields.Number(2, 0, 23));
  fields.Expect(':');
  const minutes minute(fields.Number(2, 0, 59));
  fields.Expect(':');
  const seconds second(fields.Number(2, 0, 59));
  const nanoseconds fraction = fields.Take('.') ? fields.Fraction() : nanoseconds(0);
  const minutes zone = ReadZone(fields);
  const year_month_day date{year(y), month(static_cast<unsigned>(m)),
                            day(static_cast<unsigned>(d))};
  if (!fields.ok() || !fields.Ended() || !date.ok()) return std::nullopt;
  return sys_days(date) + hour + minute + second - zone + floor<Duration>(fraction);
}

}  // namespace

Result<Timestamp> ParseTime(std::string_view text) {
  const auto seconds = ParseValue(text);
  if (seconds && std::isfinite(*seconds)) return FromUnixSeconds(*seconds);
  if (const auto time = ParseRfc3339(text)) return *time;
  if (text == kMinTimeText) return kMinTimestamp;
  if (text == kMaxTimeText) return kMaxTimestamp;
  return Bad(fmt::format("cannot parse {} to a valid timestamp", Quote(text)));
}

Result<Timestamp> ParseTimeParameter(const ApiRequest& request, std::string_view name,
                                     Timestamp otherwise) {
  const std::string_view text = request.form.Get(name);
  if (text.empty()) return otherwise;
  auto time = ParseTime(text);
  if (time) return time;
  return Bad(fmt::format("invalid time value for '{}': {}", name, time.error().message));
}

Result<std::chrono::nanoseconds> ParseSpan(std::string_view text) {
  if (const auto seconds = ParseValue(text); seconds && !std::isnan(*seconds)) {
    const double nanoseconds = *seconds * 1e9;
    constexpr auto kMax = static_cast<double>(std::numeric_limits<int64_t>::max());
    if (nanoseconds >= kMax || nanoseconds <= -kMax)
      return Bad(
          fmt::format("cannot parse {} to a valid duration. It overflows int64", Quote(text)));
    return std::chrono::nanoseconds(static_cast<int64_t>(nanoseconds));
  }
  if (const auto duration = ParseDuration(text)) return *duration;
  return Bad(fmt::format("cannot parse {} to a valid duration", Quote(text)));
}

Result<int64_t> ParseWholeNumber(std::string_view text) {
  std::string_view digits = text;
  if (digits.starts_with('+') && !digits.starts_with("+-")) digits.remove_prefix(1);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool whole = end == digits.data() + digits.size();
  if (error == std::errc() && whole) return value;
  const bool too_large = error == std::errc::result_out_of_range && whole;
  return Bad(fmt::format("strconv.Atoi: parsing {}: {}", Quote(text),
                         too_large ? "value out of range" : "invalid syntax"));
}

Result<size_t> ParseLimit(std::string_view text) {
  if (text.empty()) return 0u;
  const int64_t limit = TRY(ParseWholeNumber(text));
  if (limit < 0) return Bad("limit must be non-negative");
  return static_cast<size_t>(limit);
}

Result<Matchers> ParseSelector(std::string_view text) {
  auto matchers = promql::ParseMetricSelector(text);
  if (!matchers) return Bad(matchers.error().front().Format(text));
  return std::move(*matchers);
}

Result<std::vector<Matchers>> ParseMatcherSets(const std::vector<std::string_view>& texts) {
  std::vector<Matchers> sets;
  for (const auto text : texts) sets.push_back(TRY(ParseSelector(text)));
  for (const auto& matchers : sets)
    if (std::ranges::all_of(matchers, [](const Matcher& m) { return m.MatchesEmpty(); }))
      return Bad("match[] must contain at least one non-empty matcher");
  return sets;
}

}  // namespace barograph::web
