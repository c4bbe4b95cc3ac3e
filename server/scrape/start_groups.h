#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/model/labels.h"
#include "base/model/sample.h"
#include "base/time.h"
#include "server/scrape/exposition.h"

/// When the series of a page began. OpenMetrics tells it once for all series of a metric:
/// `x_total`, or `x_bucket`, `x_count` and `x_sum`, begin together, and `x_created` with the same
/// labels tells when, in seconds.
namespace barograph::server {

using StartGroup = uint32_t;
inline constexpr StartGroup kNoStartGroup = ~StartGroup{0};

/// What the series that begin together have in common: their labels without the name's suffix, and
/// without `le` and `quantile`. Nothing where metrics of the type have no start.
std::optional<Labels> CommonLabels(const Labels& exposed, MetricType type);

/// Whether a series is a metric's start.
bool IsCreatedSeries(const Labels& exposed, MetricType type);

/// The groups of one page, by a hash of their common labels. Not thread-safe.
class StartGroups {
 public:
  StartGroup Find(uint64_t key);

  /// The group began `seconds` after 1970.
  void Tell(StartGroup group, double seconds);
  Timestamp start(StartGroup group) const {
    return group == kNoStartGroup ? kUnknownStart : starts_[group];
  }

  /// Whether any start may be another one since the last call.
  bool TakeChanged() { return std::exchange(changed_, false); }

  void MarkChanged() { changed_ = true; }

  /// Forgets the groups that are not in `used`, which is limit() long.
  void KeepOnly(const std::vector<bool>& used);
  size_t limit() const { return starts_.size(); }
  bool empty() const { return groups_.empty(); }

 private:
  boost::unordered_flat_map<uint64_t, StartGroup> groups_;
  std::vector<Timestamp> starts_;
  std::vector<StartGroup> free_;
  bool changed_ = false;
};

}  // namespace barograph::server
