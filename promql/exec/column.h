#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/model/histogram.h"
#include "base/model/sample.h"

/// The shape in which values travel between operators: one series, all steps.
namespace barograph::promql {

/// The value of a step at which a series has no sample. It is the staleness marker, a signalling
/// NaN: selectors drop markers, arithmetic only makes quiet NaNs, and so nothing computes it. One
/// array thus holds values and presence, and loops over it need no second one.
inline constexpr double kAbsent = kStaleNan;
constexpr bool IsAbsent(double value) { return IsStale(value); }

/// Native histograms are immutable once in a column, and shared between columns.
using HistogramRef = std::shared_ptr<const FloatHistogram>;

/// One series' values at every step. Reused from series to series: Reset keeps the memory.
struct Column {
  std::vector<double> values;

  /// Parallel to `values`, or empty when all are floats. Where it is set, the sample is that
  /// histogram and values[i] is kNormalNan, so that it counts as present.
  std::vector<HistogramRef> histograms;

  /// All steps absent.
  void Reset(size_t steps) {
    values.assign(steps, kAbsent);
    histograms.clear();
  }

  size_t size() const { return values.size(); }
  bool present(size_t step) const { return !IsAbsent(values[step]); }
  const FloatHistogram* histogram(size_t step) const {
    return histograms.empty() ? nullptr : histograms[step].get();
  }

  HistogramRef shared_histogram(size_t step) const {
    return histograms.empty() ? nullptr : histograms[step];
  }

  void SetHistogram(size_t step, HistogramRef histogram) {
    if (histograms.empty()) histograms.resize(values.size());
    histograms[step] = std::move(histogram);
    values[step] = kNormalNan;
  }

  /// Takes a step out.
  void Erase(size_t step) {
    values[step] = kAbsent;
    if (!histograms.empty()) histograms[step] = nullptr;
  }

  /// Leaves floats only, as the functions do that ignore histograms.
  void EraseHistograms() {
    for (size_t step = 0; step < histograms.size(); ++step) {
      if (histograms[step] != nullptr) values[step] = kAbsent;
    }
    histograms.clear();
  }

  size_t CountPresent() const;
};

}  // namespace barograph::promql
