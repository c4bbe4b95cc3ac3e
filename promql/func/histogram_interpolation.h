#pragma once

#include <optional>
#include <string_view>

#include "base/model/histogram.h"
#include "base/time.h"
#include "promql/exec/annotator.h"

namespace barograph::promql {

struct HistogramPoint {
  Timestamp timestamp;
  const FloatHistogram& histogram;
};

/// Where annotations about a series' histograms stand.
struct HistogramReport {
  Annotator& annotations;
  std::string_view metric;
  PositionRange position;
};

/// What a straight line between two neighbours gives at a time from the one to the other. A counter
/// that was reset in between started anew from zero. Nothing, with a warning, where exponential and
/// custom buckets meet.
std::optional<FloatHistogram> InterpolateHistograms(const HistogramPoint& before,
                                                    const HistogramPoint& after, Timestamp at,
                                                    bool is_counter, const HistogramReport& report);

/// `to` += `other` and `from` -= `other`; infos and warnings are those of ranges of histograms.
/// False when they cannot be put together.
bool AddReporting(FloatHistogram& to, const FloatHistogram& other, const HistogramReport& report);
bool SubtractReporting(FloatHistogram& from, const FloatHistogram& other,
                       const HistogramReport& report);

}  // namespace barograph::promql
