#pragma once

#include <cstdint>
#include <span>

#include "base/model/sample.h"
#include "base/time.h"
#include "promql/exec/windows.h"

/// What start timestamps tell of a counter: where it started anew, and that it was zero before its
/// first sample (Prometheus's use-start-timestamps; promql/functions.go).
namespace barograph::promql {

/// When a sample was taken, and when what it counts began.
struct StartedSample {
  Timestamp timestamp;
  Timestamp start;

  bool is_known() const { return start != kUnknownStart; }
};

/// Whether a counter started anew between two neighbouring samples, as far as their starts tell.
constexpr bool IsStartReset(StartedSample before, StartedSample now) {
  // OpenTelemetry says that a start is not known by giving the sample's own time.
  if (!now.is_known() || now.start >= now.timestamp) return false;
  if (now.start != before.timestamp) return now.start > before.timestamp;
  // It began where the sample before was taken: the next delta of a series of deltas, or a
  // cumulative one of whose start only that is known, which the sample before tells.
  return before.is_known() && before.start < before.timestamp;
}

/// Whether a sample claims for itself what the one before it has counted already.
constexpr bool StartsOverlap(StartedSample before, StartedSample now) {
  return now.is_known() && now.start < before.timestamp && now.start != before.start;
}

/// Whether the first sample of a range began within it, so that there was a zero then.
/// `range_start` itself is outside.
constexpr bool BeganInRange(StartedSample first, Timestamp range_start) {
  return first.is_known() && first.start > range_start && first.start < first.timestamp;
}

/// Samples of one series with their starts.
struct StartedSamples {
  std::span<const Timestamp> timestamps;
  std::span<const Timestamp> starts;  ///< parallel, or empty: none is known

  StartedSample operator[](size_t i) const { return {timestamps[i], starts[i]}; }
  bool empty() const { return starts.empty(); }

  /// Whether the counter started anew between samples i - 1 and i.
  bool IsResetAt(size_t i) const { return !empty() && IsStartReset((*this)[i - 1], (*this)[i]); }
};

/// Finds the windows in which a sample overlaps the one before it. Their bounds must not decrease,
/// so that one pass over the samples is enough.
class OverlapSearch {
 public:
  explicit OverlapSearch(StartedSamples samples) : samples_(samples) {}

  bool In(Window window) {
    if (samples_.empty()) return false;
    for (; next_ < window.end; ++next_) {
      if (StartsOverlap(samples_[next_ - 1], samples_[next_])) last_ = next_;
    }
    return last_ > window.begin;
  }

 private:
  StartedSamples samples_;
  uint32_t next_ = 1;
  uint32_t last_ = 0;  // the last sample seen that overlaps the one before it
};

}  // namespace barograph::promql
