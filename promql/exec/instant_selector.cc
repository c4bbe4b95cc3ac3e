#include "promql/exec/instant_selector.h"

#include <algorithm>

namespace barograph::promql {

InstantSelector::InstantSelector(QueryContext& context, std::unique_ptr<SelectorSource> source,
                                 WindowSpec windows, SampleField field)
    : Operator(context, windows.grid),
      source_(std::move(source)),
      windows_(windows),
      field_(field) {}

Status InstantSelector::Open() {
  TRY(source_->Open());
  series_ = source_->series();
  if (field_ == SampleField::kTimestamp) {
    for (SeriesMeta& meta : series_) meta.drop_name = true;
  }
  return {};
}

Status InstantSelector::Evaluate(size_t index, Column& out) {
  const SeriesSamples samples = TRY(source_->ReadAll(index));
  const Windows& windows = windows_.Find(samples);
  out.histograms.clear();
  out.values.resize(steps());
  TRY(context().Work(steps()));
  if (!samples.histograms.empty()) {
    TakeHistograms(samples, windows, out);
  } else {
    TakeValues(samples, windows, out);
  }
  context().CountSamples(out.CountPresent());
  if (field_ == SampleField::kTimestamp) TakeTimestamps(samples, windows, out);
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

void InstantSelector::TakeTimestamps(const SeriesSamples& samples, const Windows& windows,
                                     Column& out) const {
  out.histograms.clear();
  for (size_t step = 0; step < out.size(); ++step) {
    if (!out.present(step)) continue;
    const Timestamp timestamp = samples.timestamps[windows.steps[step].end - 1];
    out.values[step] = static_cast<double>(ToMs(timestamp)) / 1000;
  }
}

SmoothedSelector::SmoothedSelector(QueryContext& context, std::unique_ptr<SelectorSource> source,
                                   WindowSpec windows)
    : Operator(context, windows.grid),
      source_(std::move(source)),
      spec_(windows),
      windows_(windows) {}

Status SmoothedSelector::Open() {
  TRY(source_->Open());
  series_ = source_->series();
  return {};
}

Status SmoothedSelector::Evaluate(size_t index, Column& out) {
  const SeriesSamples samples = TRY(source_->Read(index));
  if (!samples.histograms.empty()) {
    return Fail(ErrorCode::kExecution,
                "the smoothed modifier is not implemented for native histograms");
  }
  const Windows& windows = windows_.Find(samples);
  out.Reset(steps());
  TRY(context().Work(steps()));
  for (size_t step = 0; step < out.size(); ++step) {
    const Window window = windows.steps[step];
    if (window.size() == 0) continue;
    out.values[step] = ValueAt(samples, window, FromMs(spec_.shift.Refer(grid().at(step))));
  }
  context().CountSamples(out.CountPresent());
  return {};
}

double SmoothedSelector::ValueAt(const SeriesSamples& samples, Window window, Timestamp at) const {
  const auto begin = samples.timestamps.begin();
  const auto found = std::lower_bound(begin + window.begin, begin + window.end, at);
  const auto i = static_cast<uint32_t>(found - begin);
  if (i < window.end && samples.timestamps[i] == at) return samples.values[i];
  if (i == window.begin) return kAbsent;  // nothing before
  const double before = samples.values[i - 1];
  if (i == window.end) return before;
  const Timestamp from = samples.timestamps[i - 1];
  return before + (samples.values[i] - before) * static_cast<double>((at - from).count()) /
                      static_cast<double>((samples.timestamps[i] - from).count());
}

}  // namespace barograph::promql
