#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/storage/queryable.h"
#include "promql/exec/grid.h"

/// Which samples of a series each step looks at. Bounds depend on timestamps only, and the series
/// of one scraped target share theirs: bounds are found once a column of timestamps, in one pass
/// over samples and steps.
namespace barograph::promql {

/// Samples [begin, end) of a series.
struct Window {
  uint32_t begin = 0;
  uint32_t end = 0;
  uint32_t size() const { return end - begin; }
};

/// When a selector or subquery looks, seen from the steps: at each step or pinned by @, shifted
/// by offset.
struct TimeShift {
  std::optional<int64_t> at_ms;
  int64_t offset_ms = 0;

  /// The time that a step at `time_ms` refers to.
  int64_t Refer(int64_t time_ms) const { return at_ms.value_or(time_ms) - offset_ms; }
};

/// A window holds the samples of (t - before_ms, t + after_ms], where t is what the step refers to.
struct WindowSpec {
  StepGrid grid;
  TimeShift shift;
  int64_t before_ms = 0;
  int64_t after_ms = 0;
};

/// The windows of all steps. Both bounds never decrease from step to step.
struct Windows {
  std::vector<Window> steps;
  uint64_t total = 0;    ///< the sum of their sizes
  uint64_t covered = 0;  ///< how many samples are in any of them
};

void FindWindows(std::span<const Timestamp> timestamps, const WindowSpec& spec, Windows& windows);

/// The windows of series after series, found anew only for new timestamps.
class WindowCache {
 public:
  explicit WindowCache(WindowSpec spec) : spec_(spec) {}

  /// The result lives until the next call.
  const Windows& Find(const SeriesSamples& samples);

 private:
  static constexpr size_t kMaxColumns = 4096;

  WindowSpec spec_;
  std::unordered_map<uint64_t, Windows> by_column_;
  Windows own_;  // of a series that shares its timestamps with none
};

}  // namespace barograph::promql
