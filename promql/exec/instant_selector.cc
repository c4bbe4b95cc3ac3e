#include "promql/exec/instant_selector.h"

#include <algorithm>

#include "promql/func/histogram_interpolation.h"
#include "promql/func/straight_line.h"

namespace barograph::promql {
namespace {

size_t CountHistograms(const SeriesSamples& samples, Window window) {
  if (samples.histograms.empty()) return 0;
  size_t count = 0;
  for (uint32_t i = window.begin; i < window.end; ++i) {
    count += samples.histograms[i] != nullptr ? 1 : 0;
  }
  return count;
}

bool HoldsHistograms(const Column& column) {
  return std::ranges::any_of(column.histograms,
                             [](const HistogramRef& histogram) { return histogram != nullptr; });
}

}  // namespace

InstantSelector::InstantSelector(QueryContext& context, std::unique_ptr<SelectorSource> source,
                                 WindowSpec windows, SampleField field)
    : Operator(context, windows.grid),
      source_(std::move(source)),
      windows_(context.lanes(), windows),
      field_(field) {}

Status InstantSelector::Start() {
  TRY(source_->Open());
  series_ = source_->series();
  if (field_ != SampleField::kValue) {
    for (SeriesMeta& meta : series_) meta.drop_name = true;
  }
  return {};
}

Status InstantSelector::Compute(Lane& lane, size_t index, Column& out) {
  const SeriesSamples samples = TRY(source_->ReadAll(lane, index));
  const Windows& windows = windows_[lane].Find(samples);
  out.histograms.clear();
  out.values.resize(steps());
  TRY(lane.Work(steps()));
  if (!samples.histograms.empty()) {
    TakeHistograms(samples, windows, out);
  } else {
    TakeValues(samples, windows, out);
  }
  const size_t found = out.CountPresent();
  CountSamples(lane, found, found, [&](size_t step) { return out.present(step) ? 1 : 0; });
  if (field_ == SampleField::kInfoTimestamp && HoldsHistograms(out)) {
    return Fail(ErrorCode::kExecution, "this should be an info metric, with float samples: " +
                                           FormatLabelSet(*series_[index].labels));
  }
  if (field_ == SampleField::kTimestamp || field_ == SampleField::kInfoTimestamp) {
    TakeTimestamps(samples.timestamps, windows, out);
  }
  if (field_ == SampleField::kStartTimestamp) {
    TakeTimestamps(samples.start_timestamps, windows, out);
  }
  return {};
}

// A staleness marker is kAbsent, and so needs no look.
void InstantSelector::TakeValues(const SeriesSamples& samples, const Windows& windows,
                                 Column& out) const {
  for (size_t step = 0; step < out.size(); ++step) {
    const Window window = windows.steps[step];
    out.values[step] = window.size() == 0 ? kAbsent : samples.values[window.end - 1];
  }
}

void InstantSelector::TakeHistograms(const SeriesSamples& samples, const Windows& windows,
                                     Column& out) {
  TakeValues(samples, windows, out);
  const FloatHistogram* previous = nullptr;
  HistogramRef shared;
  for (size_t step = 0; step < out.size(); ++step) {
    const Window window = windows.steps[step];
    if (window.size() == 0) continue;
    const FloatHistogram* histogram = samples.histograms[window.end - 1];
    if (histogram == nullptr) continue;
    if (IsStale(histogram->sum)) {
      out.Erase(step);
      continue;
    }
    if (histogram != previous) shared = std::make_shared<const FloatHistogram>(*histogram);
    previous = histogram;
    out.SetHistogram(step, shared);
  }
}

// Of the samples that were taken, one of `timestamps`; none are all kUnknownStart.
void InstantSelector::TakeTimestamps(std::span<const Timestamp> timestamps, const Windows& windows,
                                     Column& out) const {
  out.histograms.clear();
  for (size_t step = 0; step < out.size(); ++step) {
    if (!out.present(step)) continue;
    const uint32_t sample = windows.steps[step].end - 1;
    out.values[step] = ToSeconds(timestamps.empty() ? kUnknownStart : timestamps[sample]);
  }
}

SmoothedSelector::SmoothedSelector(QueryContext& context, std::unique_ptr<SelectorSource> source,
                                   WindowSpec windows, PositionRange position)
    : Operator(context, windows.grid),
      source_(std::move(source)),
      spec_(windows),
      windows_(context.lanes(), windows),
      position_(position) {}

Status SmoothedSelector::Start() {
  TRY(source_->Open());
  series_ = source_->series();
  return {};
}

Status SmoothedSelector::Compute(Lane& lane, size_t index, Column& out) {
  const SeriesSamples samples = TRY(source_->Read(lane, index));
  const Windows& windows = windows_[lane].Find(samples);
  const std::string_view metric = series_[index].labels->metric_name();
  out.Reset(steps());
  TRY(lane.Work(steps()));
  for (size_t step = 0; step < out.size(); ++step) {
    const Window window = windows.steps[step];
    if (window.size() == 0) continue;
    const Timestamp at = FromMs(spec_.shift.Refer(grid().at(step)));
    const size_t histograms = CountHistograms(samples, window);
    if (histograms == 0) {
      out.values[step] = ValueAt(samples, window, at);
    } else if (histograms < window.size()) {
      lane.annotations().MixedFloatsHistograms(metric, position_);
    } else if (HistogramRef histogram = HistogramAt(lane, samples, window, at, metric)) {
      out.SetHistogram(step, std::move(histogram));
    }
  }
  lane.CountSamples(out.CountPresent());  // Prometheus's statistics know nothing of these
  return {};
}

HistogramRef SmoothedSelector::HistogramAt(Lane& lane, const SeriesSamples& samples, Window window,
                                           Timestamp at, std::string_view metric) const {
  const auto begin = samples.timestamps.begin();
  const auto found = std::lower_bound(begin + window.begin, begin + window.end, at);
  const auto i = static_cast<uint32_t>(found - begin);
  const auto point = [&](uint32_t k) {
    return HistogramPoint{samples.timestamps[k], *samples.histograms[k]};
  };
  if (i < window.end && samples.timestamps[i] == at) {
    return std::make_shared<const FloatHistogram>(*samples.histograms[i]);
  }
  if (i == window.begin) return nullptr;  // nothing before
  if (i == window.end) {
    auto last = std::make_shared<FloatHistogram>(*samples.histograms[i - 1]);
    last->counter_reset_hint = CounterResetHint::kUnknown;
    return last;
  }
  constexpr CounterResetHint kGauge = CounterResetHint::kGauge;
  const bool is_counter = point(i - 1).histogram.counter_reset_hint != kGauge ||
                          point(i).histogram.counter_reset_hint != kGauge;
  const HistogramReport report{lane.annotations(), metric, position_};
  if (point(i - 1).histogram.uses_custom_buckets() != point(i).histogram.uses_custom_buckets()) {
    report.annotations.MixedSchemas(metric, position_);
    return nullptr;
  }
  auto between = InterpolateHistograms(point(i - 1), point(i), at, is_counter, report);
  if (!between.has_value()) return nullptr;
  return std::make_shared<const FloatHistogram>(std::move(*between));
}

double SmoothedSelector::ValueAt(const SeriesSamples& samples, Window window, Timestamp at) const {
  const auto begin = samples.timestamps.begin();
  const auto found = std::lower_bound(begin + window.begin, begin + window.end, at);
  const auto i = static_cast<uint32_t>(found - begin);
  if (i < window.end && samples.timestamps[i] == at) return samples.values[i];
  if (i == window.begin) return kAbsent;  // nothing before
  const Sample before{samples.timestamps[i - 1], samples.values[i - 1]};
  if (i == window.end) return before.value;
  return ValueOnLine(before, {samples.timestamps[i], samples.values[i]}, at);
}

}  // namespace barograph::promql
