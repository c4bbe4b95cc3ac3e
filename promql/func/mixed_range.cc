#include "promql/func/mixed_range.h"

#include <algorithm>
#include <cmath>

#include "base/model/histogram_arithmetic.h"
#include "promql/func/histogram_total.h"

namespace barograph::promql {
namespace {

std::optional<MixedResult> Total(const MixedWindow& window, HistogramTotal::Kind kind) {
  if (window.IsMixed()) return MixedResult{};
  HistogramTotal total(kind);
  for (const FloatHistogram* histogram : window.histograms) {
    if (total.Add(*histogram)) continue;
    window.annotations->MixedSchemas(window.metric, window.position);
    return MixedResult{};
  }
  total.Report(*window.annotations, window.position);
  total.ReportBounds(*window.annotations, window.position);
  return MakeHistogramResult(total.result());
}

MixedResult SampleAt(const MixedWindow& window, size_t index) {
  const FloatHistogram* histogram = window.histograms[index];
  if (histogram == nullptr) return {window.values[index], nullptr};
  return {kNormalNan, std::make_shared<const FloatHistogram>(*histogram)};
}

bool IsChange(const MixedWindow& window, size_t i) {
  const FloatHistogram* before = window.histograms[i - 1];
  const FloatHistogram* now = window.histograms[i];
  if (before != nullptr && now != nullptr) return !SameObservations(*now, *before);
  if (before != nullptr || now != nullptr) return true;
  const double was = window.values[i - 1];
  const double is = window.values[i];
  return is != was && !(std::isnan(is) && std::isnan(was));
}

// A change of the type is a reset, too.
bool IsReset(const MixedWindow& window, size_t i) {
  const FloatHistogram* before = window.histograms[i - 1];
  const FloatHistogram* now = window.histograms[i];
  if ((before == nullptr) != (now == nullptr)) return true;
  if (window.started().IsResetAt(i)) return true;
  if (now != nullptr) return IsCounterReset(*now, *before);
  return window.values[i] < window.values[i - 1];
}

using IsEvent = bool (*)(const MixedWindow& window, size_t i);

MixedResult CountEvents(const MixedWindow& window, size_t first, IsEvent is_event) {
  size_t count = 0;
  for (size_t i = first + 1; i < window.size(); ++i) count += is_event(window, i) ? 1 : 0;
  return {static_cast<double>(count), nullptr};
}

// From the last sample at or before the range's start on, if there is one; nothing where no
// sample is after the start.
MixedResult CountAnchoredEvents(const MixedWindow& window, IsEvent is_event) {
  const auto inside = std::ranges::upper_bound(window.timestamps, window.start());
  if (inside == window.timestamps.end()) return {};
  const auto index = static_cast<size_t>(inside - window.timestamps.begin());
  return CountEvents(window, index == 0 ? 0 : index - 1, is_event);
}

}  // namespace

bool MixedWindow::IsMixed() const {
  if (std::ranges::find(histograms, nullptr) == histograms.end()) return false;
  annotations->MixedFloatsHistograms(metric, position);
  return true;
}

MixedResult MakeHistogramResult(FloatHistogram histogram) {
  histogram.Compact(0);
  return {kNormalNan, std::make_shared<const FloatHistogram>(std::move(histogram))};
}

std::optional<MixedResult> MixedSumOverTime(const MixedWindow& window) {
  return Total(window, HistogramTotal::Kind::kSum);
}

std::optional<MixedResult> MixedAvgOverTime(const MixedWindow& window) {
  return Total(window, HistogramTotal::Kind::kAverage);
}

std::optional<MixedResult> MixedFirstOverTime(const MixedWindow& window) {
  return SampleAt(window, 0);
}

std::optional<MixedResult> MixedLastOverTime(const MixedWindow& window) {
  return SampleAt(window, window.size() - 1);
}

std::optional<MixedResult> MixedChanges(const MixedWindow& window) {
  return CountEvents(window, 0, IsChange);
}

std::optional<MixedResult> MixedResets(const MixedWindow& window) {
  return CountEvents(window, 0, IsReset);
}

std::optional<MixedResult> MixedAnchoredChanges(const MixedWindow& window) {
  return CountAnchoredEvents(window, IsChange);
}

std::optional<MixedResult> MixedAnchoredResets(const MixedWindow& window) {
  return CountAnchoredEvents(window, IsReset);
}

}  // namespace barograph::promql
