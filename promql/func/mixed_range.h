#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/model/histogram.h"
#include "base/time.h"
#include "promql/exec/annotator.h"
#include "promql/exec/column.h"
#include "promql/func/start_timestamps.h"

/// Functions over ranges with native histograms: one call computes one step.
namespace barograph::promql {

/// The samples of one step's window, at least one of them a histogram.
struct MixedWindow {
  std::span<const Timestamp> timestamps;
  std::span<const double> values;
  std::span<const FloatHistogram* const> histograms;  ///< null where the sample is a float
  std::span<const Timestamp> starts;  ///< parallel, or empty: not known or not wanted

  int64_t end_ms = 0;  ///< of the range
  int64_t range_ms = 0;

  std::string_view metric;  ///< the series' name, for annotations
  PositionRange position;   ///< of the first argument
  Annotator* annotations = nullptr;

  size_t size() const { return timestamps.size(); }
  Timestamp end() const { return FromMs(end_ms); }
  Timestamp start() const { return FromMs(end_ms - range_ms); }

  StartedSamples started() const { return {timestamps, starts}; }

  /// Warns if there are floats as well.
  bool IsMixed() const;
};

/// A histogram, or the float where it is null, which may be absent.
struct MixedResult {
  double value = kAbsent;
  HistogramRef histogram;
};

/// Nothing when the result is that of the window's floats alone.
using MixedKernel = std::optional<MixedResult> (*)(const MixedWindow& window);

/// Such a result, compacted.
MixedResult MakeHistogramResult(FloatHistogram histogram);

std::optional<MixedResult> MixedSumOverTime(const MixedWindow& window);
std::optional<MixedResult> MixedAvgOverTime(const MixedWindow& window);
std::optional<MixedResult> MixedFirstOverTime(const MixedWindow& window);
std::optional<MixedResult> MixedLastOverTime(const MixedWindow& window);
std::optional<MixedResult> MixedChanges(const MixedWindow& window);
std::optional<MixedResult> MixedResets(const MixedWindow& window);
std::optional<MixedResult> MixedAnchoredChanges(const MixedWindow& window);
std::optional<MixedResult> MixedAnchoredResets(const MixedWindow& window);

std::optional<MixedResult> MixedRate(const MixedWindow& window);
std::optional<MixedResult> MixedIncrease(const MixedWindow& window);
std::optional<MixedResult> MixedDelta(const MixedWindow& window);
std::optional<MixedResult> MixedInstantRate(const MixedWindow& window);
std::optional<MixedResult> MixedInstantDelta(const MixedWindow& window);

std::optional<MixedResult> MixedAnchoredRate(const MixedWindow& window);
std::optional<MixedResult> MixedAnchoredIncrease(const MixedWindow& window);
std::optional<MixedResult> MixedAnchoredDelta(const MixedWindow& window);
std::optional<MixedResult> MixedSmoothedRate(const MixedWindow& window);
std::optional<MixedResult> MixedSmoothedIncrease(const MixedWindow& window);
std::optional<MixedResult> MixedSmoothedDelta(const MixedWindow& window);

}  // namespace barograph::promql
