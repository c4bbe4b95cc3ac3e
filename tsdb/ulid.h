#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

/// ULIDs (github.com/ulid/spec): 48 bits of milliseconds since the epoch, then 80 random bits. As
/// text they are 26 characters that sort by time, which is how Prometheus names its blocks.
namespace barograph::tsdb {

inline constexpr size_t kUlidTextBytes = 26;

class Ulid {
 public:
  Ulid() = default;  ///< all zero

  /// With the system's random bits. A time before the epoch counts as the epoch.
  static Ulid Make(Timestamp now);

  /// From given random bits, of which the lowest 80 count: `high` has the upper 16.
  static Ulid Make(Timestamp now, uint16_t high, uint64_t low);

  /// Takes Crockford's base 32 in either case; nullopt for anything else.
  static std::optional<Ulid> Parse(std::string_view text);

  std::string ToString() const;  ///< upper case
  Timestamp time() const;

  auto operator<=>(const Ulid&) const = default;

 private:
  uint64_t high_ = 0;  // 48 bits of time, 16 of chance
  uint64_t low_ = 0;
};

}  // namespace barograph::tsdb
