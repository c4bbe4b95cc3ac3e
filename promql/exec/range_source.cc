#include "promql/exec/range_source.h"

#include <algorithm>

#include "base/model/histogram_arithmetic.h"
#include "promql/func/column_loops.h"

namespace barograph::promql {
namespace {

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
  cursor_ = selected->selection->NewCursor();
  series_.reserve(selected->labels.size());
  for (const Labels* labels : selected->labels) series_.push_back({labels, false});
  return {};
}

Result<SeriesSamples> SelectorSource::ReadAll(size_t index) {
  SeriesSamples samples = TRY(cursor_->Read(index));
  TRY(context_.Work(samples.size()));
  if (totals_only_ && !samples.histograms.empty()) TakeTotals(samples);
  return samples;
}

void SelectorSource::TakeTotals(SeriesSamples& samples) {
  totals_.clear();
  totals_.reserve(samples.size());  // so that pointers stay
  total_pointers_.assign(samples.size(), nullptr);
  const FloatHistogram* last = nullptr;
  for (size_t i = 0; i < samples.size(); ++i) {
    const FloatHistogram* histogram = samples.histograms[i];
    if (histogram == nullptr) continue;
    FloatHistogram& total = totals_.emplace_back();
    total.counter_reset_hint = histogram->counter_reset_hint;
    total.schema = histogram->schema;
    total.count = histogram->count;
    total.sum = histogram->sum;
    total_pointers_[i] = &total;
    if (IsStale(histogram->sum)) continue;
    const bool unknown = histogram->counter_reset_hint == CounterResetHint::kUnknown;
    if (unknown && last != nullptr) {
      total.counter_reset_hint = IsCounterReset(*histogram, *last) ? CounterResetHint::kReset
                                                                   : CounterResetHint::kNotReset;
    }
    last = histogram;
  }
  samples.histograms = total_pointers_;
}

Result<SeriesSamples> SelectorSource::Read(size_t index) {
  const SeriesSamples samples = TRY(ReadAll(index));
  return HasMarkers(samples) ? WithoutMarkers(samples) : samples;
}

SeriesSamples SelectorSource::WithoutMarkers(const SeriesSamples& samples) {
  timestamps_.clear();
  values_.clear();
  histograms_.clear();
  for (size_t i = 0; i < samples.size(); ++i) {
    if (IsMarker(samples, i)) continue;
    timestamps_.push_back(samples.timestamps[i]);
    values_.push_back(samples.values[i]);
    if (!samples.histograms.empty()) histograms_.push_back(samples.histograms[i]);
  }
  return {timestamps_, values_, histograms_, 0};
}

SubquerySource::SubquerySource(QueryContext& context, OperatorPtr input, std::string text)
    : context_(context), input_(std::move(input)), text_(std::move(text)) {}

Status SubquerySource::Open() {
  TRY(input_->Open());
  series_ = input_->series();
  const StepGrid& grid = input_->grid();
  grid_timestamps_.reserve(grid.count);
  for (size_t step = 0; step < grid.count; ++step)
    grid_timestamps_.push_back(FromMs(grid.at(step)));
  return {};
}

Result<SeriesSamples> SubquerySource::Read(size_t index) {
  TRY(input_->Evaluate(index, column_));
  TRY(context_.Work(column_.size()));
  const bool floats_only = column_.histograms.empty();
  if (floats_only && column_.CountPresent() == column_.size()) {
    constexpr uint64_t kWholeGrid = 1;
    return SeriesSamples{grid_timestamps_, column_.values, {}, kWholeGrid};
  }
  timestamps_.clear();
  values_.clear();
  histograms_.clear();
  held_histograms_.clear();
  for (size_t step = 0; step < column_.size(); ++step) {
    if (!column_.present(step)) continue;
    timestamps_.push_back(grid_timestamps_[step]);
    values_.push_back(column_.values[step]);
    if (floats_only) continue;
    held_histograms_.push_back(WithoutResetHint(column_.histograms[step]));
    histograms_.push_back(held_histograms_.back().get());
  }
  return SeriesSamples{timestamps_, values_, histograms_, 0};
}

}  // namespace barograph::promql
