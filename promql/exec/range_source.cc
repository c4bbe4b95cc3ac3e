#include "promql/exec/range_source.h"

#include <algorithm>

#include "base/model/histogram_arithmetic.h"
#include "promql/func/column_loops.h"

namespace barograph::promql {
namespace {

// What it costs to find a series in storage, and to decode a sample.
constexpr size_t kWorkPerRead = 400;
constexpr size_t kWorkPerSample = 3;

bool IsMarker(const SeriesSamples& samples, size_t i) {
  if (!samples.histograms.empty() && samples.histograms[i] != nullptr) {
    return IsStale(samples.histograms[i]->sum);
  }
  return IsStale(samples.values[i]);
}

bool HasMarkers(const SeriesSamples& samples) {
  if (samples.histograms.empty()) return AnyMarker(samples.values);
  for (size_t i = 0; i < samples.size(); ++i) {
    if (IsMarker(samples, i)) return true;
  }
  return false;
}

// What a histogram's hint tells of the one before it does not hold between the steps of a subquery.
HistogramRef WithoutResetHint(HistogramRef histogram) {
  if (histogram == nullptr || histogram->counter_reset_hint == CounterResetHint::kUnknown ||
      histogram->counter_reset_hint == CounterResetHint::kGauge) {
    return histogram;
  }
  auto unhinted = std::make_shared<FloatHistogram>(*histogram);
  unhinted->counter_reset_hint = CounterResetHint::kUnknown;
  return unhinted;
}

}  // namespace

Status SelectorSource::Open() {
  const QueryContext::Selected* selected = TRY(context_.Select(selection_index_));
  selection_ = selected->selection.get();
  series_.reserve(selected->labels.size());
  for (const Labels* labels : selected->labels) series_.push_back({labels, false});
  return {};
}

Result<SeriesSamples> SelectorSource::ReadAll(Lane& lane, size_t index) {
  Local& local = locals_[lane];
  if (local.cursor == nullptr) local.cursor = selection_->NewCursor();
  SeriesSamples samples = TRY(local.cursor->Read(index));
  TRY(lane.Work(kWorkPerRead + kWorkPerSample * samples.size()));
  // What a histogram's hint says depends on whether the one before it was read.
  if (!samples.histograms.empty()) lane.NoteDependentSteps();
  if (totals_only_ && !samples.histograms.empty()) TakeTotals(samples, local);
  return samples;
}

void SelectorSource::TakeTotals(SeriesSamples& samples, Local& local) {
  local.totals.clear();
  local.totals.reserve(samples.size());  // so that pointers stay
  local.total_pointers.assign(samples.size(), nullptr);
  const FloatHistogram* last = nullptr;
  for (size_t i = 0; i < samples.size(); ++i) {
    const FloatHistogram* histogram = samples.histograms[i];
    if (histogram == nullptr) continue;
    FloatHistogram& total = local.totals.emplace_back();
    total.counter_reset_hint = histogram->counter_reset_hint;
    total.schema = histogram->schema;
    total.count = histogram->count;
    total.sum = histogram->sum;
    local.total_pointers[i] = &total;
    if (IsStale(histogram->sum)) continue;
    const bool unknown = histogram->counter_reset_hint == CounterResetHint::kUnknown;
    if (unknown && last != nullptr) {
      total.counter_reset_hint = IsCounterReset(*histogram, *last) ? CounterResetHint::kReset
                                                                   : CounterResetHint::kNotReset;
    }
    last = histogram;
  }
  samples.histograms = local.total_pointers;
}

Result<SeriesSamples> SelectorSource::Read(Lane& lane, size_t index) {
  const SeriesSamples samples = TRY(ReadAll(lane, index));
  return HasMarkers(samples) ? WithoutMarkers(samples, locals_[lane]) : samples;
}

SeriesSamples SelectorSource::WithoutMarkers(const SeriesSamples& samples, Local& local) {
  local.timestamps.clear();
  local.values.clear();
  local.histograms.clear();
  local.start_timestamps.clear();
  for (size_t i = 0; i < samples.size(); ++i) {
    if (IsMarker(samples, i)) continue;
    local.timestamps.push_back(samples.timestamps[i]);
    local.values.push_back(samples.values[i]);
    if (!samples.histograms.empty()) local.histograms.push_back(samples.histograms[i]);
    if (samples.start_timestamps.empty()) continue;
    local.start_timestamps.push_back(samples.start_timestamps[i]);
  }
  return {local.timestamps, local.values, local.histograms, local.start_timestamps, 0};
}

SubquerySource::SubquerySource(QueryContext& context, OperatorPtr input, std::string text)
    : input_(std::move(input)), text_(std::move(text)), locals_(context.lanes()) {}

Status SubquerySource::Open() {
  TRY(input_->Open());
  series_ = input_->series();
  const StepGrid& grid = input_->grid();
  grid_timestamps_.reserve(grid.count);
  for (size_t step = 0; step < grid.count; ++step)
    grid_timestamps_.push_back(FromMs(grid.at(step)));
  return {};
}

Result<SeriesSamples> SubquerySource::Read(Lane& lane, size_t index) {
  Local& local = locals_[lane];
  Column& column = local.column;
  TRY(input_->Evaluate(lane, index, column));
  TRY(lane.Work(column.size()));
  const bool floats_only = column.histograms.empty();
  if (floats_only && column.CountPresent() == column.size()) {
    constexpr uint64_t kWholeGrid = 1;
    return SeriesSamples{grid_timestamps_, column.values, {}, {}, kWholeGrid};
  }
  local.timestamps.clear();
  local.values.clear();
  local.histograms.clear();
  local.held_histograms.clear();
  for (size_t step = 0; step < column.size(); ++step) {
    if (!column.present(step)) continue;
    local.timestamps.push_back(grid_timestamps_[step]);
    local.values.push_back(column.values[step]);
    if (floats_only) continue;
    local.held_histograms.push_back(WithoutResetHint(column.histograms[step]));
    local.histograms.push_back(local.held_histograms.back().get());
  }
  return SeriesSamples{local.timestamps, local.values, local.histograms, {}, 0};
}

}  // namespace barograph::promql
