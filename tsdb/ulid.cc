#include "tsdb/ulid.h"

#include <algorithm>
#include <random>

namespace barograph::tsdb {
namespace {

constexpr std::string_view kDigits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr int kBitsPerDigit = 5;
constexpr int kRandomBitsInHigh = 16;
constexpr uint64_t kMaxTimeMs = (uint64_t{1} << 48) - 1;

std::optional<uint64_t> DigitValue(char digit) {
  if ('a' <= digit && digit <= 'z') digit = static_cast<char>(digit - 'a' + 'A');
  const size_t value = kDigits.find(digit);
  if (value == std::string_view::npos) return std::nullopt;
  return value;
}

}  // namespace

Ulid Ulid::Make(Timestamp now) {
  std::random_device random;
  const uint64_t low = (uint64_t{random()} << 32) | random();
  return Make(now, static_cast<uint16_t>(random()), low);
}

Ulid Ulid::Make(Timestamp now, uint16_t high, uint64_t low) {
  Ulid ulid;
  const auto ms = static_cast<uint64_t>(std::max<int64_t>(ToMs(now), 0));
  ulid.high_ = (std::min(ms, kMaxTimeMs) << kRandomBitsInHigh) | high;
  ulid.low_ = low;
  return ulid;
}

std::optional<Ulid> Ulid::Parse(std::string_view text) {
  if (text.size() != kUlidTextBytes) return std::nullopt;
  Ulid ulid;
  for (const char digit : text) {
    const auto value = DigitValue(digit);
    // 26 digits are 130 bits: the first has room for three.
    if (!value || (ulid.high_ >> (64 - kBitsPerDigit)) != 0) return std::nullopt;
    ulid.high_ = (ulid.high_ << kBitsPerDigit) | (ulid.low_ >> (64 - kBitsPerDigit));
    ulid.low_ = (ulid.low_ << kBitsPerDigit) | *value;
  }
  return ulid;
}

std::string Ulid::ToString() const {
  std::string text(kUlidTextBytes, '0');
  uint64_t high = high_, low = low_;
  for (size_t i = kUlidTextBytes; i-- > 0;) {
    text[i] = kDigits[low & 31];
    low = (low >> kBitsPerDigit) | (high << (64 - kBitsPerDigit));
    high >>= kBitsPerDigit;
  }
  return text;
}

Timestamp Ulid::time() const { return FromMs(static_cast<int64_t>(high_ >> kRandomBitsInHigh)); }

}  // namespace barograph::tsdb
