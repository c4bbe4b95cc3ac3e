#include "promql/exec/extended_samples.h"

#include <fmt/format.h>

#include <algorithm>

#include "promql/func/straight_line.h"

namespace barograph::promql {
namespace {

double Between(const SeriesSamples& samples, uint32_t before, Timestamp at) {
  return ValueOnLine({samples.timestamps[before], samples.values[before]},
                     {samples.timestamps[before + 1], samples.values[before + 1]}, at);
}

}  // namespace

Result<ExtendedSamples> ExtendSamples(const SeriesSamples& samples, Window window,
                                      const ExtendedRange& range) {
  for (uint32_t i = window.begin; i < window.end && !samples.histograms.empty(); ++i) {
    if (samples.histograms[i] == nullptr) continue;
    return Fail(ErrorCode::kExecution, fmt::format("{} modifier is not supported with histograms",
                                                   range.smoothed ? "smoothed" : "anchored"));
  }
  if (window.size() == 0) return ExtendedSamples();
  const auto times = samples.timestamps.begin();
  const auto newest = times + (window.end - 1);
  auto first =
      static_cast<uint32_t>(std::upper_bound(times + window.begin, newest, range.start) - times);
  if (first > window.begin) --first;
  uint32_t last = window.end - 1;
  if (range.smoothed) {
    last = static_cast<uint32_t>(std::lower_bound(times + window.begin, newest, range.end) - times);
  }
  if (samples.timestamps[last] <= range.start) return ExtendedSamples();

  const bool before_start = samples.timestamps[first] < range.start;
  const bool after_end = samples.timestamps[last] > range.end;
  ExtendedSamples extended;
  extended.timestamps.push_back(range.start);
  extended.values.push_back(range.smoothed && before_start ? Between(samples, first, range.start)
                                                           : samples.values[first]);
  for (uint32_t i = first; i <= last; ++i) {
    if (samples.timestamps[i] <= range.start || samples.timestamps[i] >= range.end) continue;
    extended.timestamps.push_back(samples.timestamps[i]);
    extended.values.push_back(samples.values[i]);
  }
  const bool has_before = last > window.begin;
  extended.timestamps.push_back(range.end);
  extended.values.push_back(range.smoothed && has_before && after_end
                                ? Between(samples, last - 1, range.end)
                                : samples.values[last]);
  return extended;
}

}  // namespace barograph::promql
