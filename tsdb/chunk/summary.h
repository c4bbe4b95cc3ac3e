#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

/// What long windows want to know of a run of values without decoding it.
namespace barograph::tsdb {

/// Staleness markers are no samples: they take no part in anything but `stale`. The rest follows
/// Prometheus's functions: a NaN makes `sum` NaN, while `min` and `max` pass over NaN unless there
/// is nothing else. With count 0 all others but `stale` are 0.
struct RunSummary {
  uint32_t count = 0;  ///< values that are not staleness markers
  uint32_t stale = 0;  ///< staleness markers
  double first = 0;
  double last = 0;
  double min = 0;
  double max = 0;

  /// The sum and what rounding took from it (Kahan's summation as improved by Neumaier, as
  /// Prometheus sums); the best single answer is sum + sum_compensation. The compensation is 0
  /// where the sum is exact or not finite.
  double sum = 0;
  double sum_compensation = 0;

  /// Counter resets: values that are less than their predecessor. `reset_sum` adds up those
  /// predecessors, so that the counter's increase over the run is last - first + reset_sum.
  uint32_t resets = 0;
  double reset_sum = 0;
};

/// Thread-safe, as are all here.
RunSummary Summarize(std::span<const double> values);

/// The summary of two runs, the second directly after the first (a reset between them counts).
RunSummary Concatenate(const RunSummary& first, const RunSummary& second);

/// A summary in few bytes: fields that others imply are left out, whole numbers are short. Parse
/// takes exactly what Append wrote; Corruption otherwise. Both need the run's number of values,
/// count + stale, from outside.
void AppendSummary(const RunSummary& summary, std::string& out);
Result<RunSummary> ParseSummary(std::string_view bytes, uint32_t values);

}  // namespace barograph::tsdb
