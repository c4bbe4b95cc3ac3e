#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "base/mutex.h"
#include "server/scrape/exposition.h"

/// TYPE, HELP and UNIT of metric families as the targets of a pool tell them, each description
/// once: targets of one kind tell the same, and their texts would take more room than the values of
/// the series.
namespace barograph::server {

struct FamilyDescription {
  int64_t bytes() const { return static_cast<int64_t>(help.size() + unit.size()); }
  auto operator<=>(const FamilyDescription&) const = default;

  std::string name;
  MetricType type = MetricType::kUnknown;
  std::string help;
  std::string unit;
};

/// Thread-safe.
class MetadataPool {
 public:
  MetadataPool() = default;
  MetadataPool(const MetadataPool&) = delete;
  MetadataPool& operator=(const MetadataPool&) = delete;

  /// The description like that one. It stays as long as it was taken more often than released.
  const FamilyDescription* Take(FamilyDescription description);
  void Release(const FamilyDescription* description);

  /// How many different ones there are.
  size_t size() const;

  /// The sums over all stores, which count them, for the pool's metrics: what several targets tell
  /// counts as often.
  std::atomic<int64_t> families = 0;
  std::atomic<int64_t> bytes = 0;

 private:
  mutable Mutex mutex_;
  std::map<FamilyDescription, size_t> users_ GUARDED_BY(mutex_);
};

}  // namespace barograph::server
