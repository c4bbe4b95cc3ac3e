#pragma once

#include <algorithm>
#include <chrono>
#include <compare>
#include <cstdint>
#include <limits>

#include "base/time.h"

namespace barograph::tsdb {

/// A day, counted from the epoch; days before it are negative. What the index knows of a series'
/// samples is on which days it has some.
enum class PartitionId : int32_t {};

inline constexpr PartitionId kFirstPartition{std::numeric_limits<int32_t>::min()};
inline constexpr PartitionId kLastPartition{std::numeric_limits<int32_t>::max()};

/// The day of `time`. Times further than five million years away share the first or last one.
constexpr PartitionId PartitionOf(Timestamp time) {
  const int64_t day = std::chrono::floor<std::chrono::days>(time).time_since_epoch().count();
  return PartitionId(static_cast<int32_t>(std::clamp<int64_t>(
      day, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max())));
}

}  // namespace barograph::tsdb
