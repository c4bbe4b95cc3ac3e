#include "promql/exec/range_call.h"

#include <fmt/format.h>

#include <algorithm>

namespace barograph::promql {
namespace {

bool LooksLikeCounter(std::string_view metric) {
  return metric.ends_with("_total") || metric.ends_with("_sum") || metric.ends_with("_count") ||
         metric.ends_with("_bucket");
}

bool Touches(const Windows& windows, uint32_t index) {
  const auto past = std::upper_bound(windows.steps.begin(), windows.steps.end(), index,
                                     [](uint32_t i, Window window) { return i < window.end; });
  return past != windows.steps.end() && past->begin <= index;
}

}  // namespace

RangeCall::RangeCall(QueryContext& context, const Description& description, RangeSourcePtr source,
                     std::vector<OperatorPtr> scalars)
    : Operator(context, description.windows.grid),
      description_(description),
      source_(std::move(source)),
      scalars_(std::move(scalars)),
      scalar_columns_(scalars_.size()),
      windows_(description.windows) {}

Status RangeCall::Open() {
  for (size_t i = 0; i < scalars_.size(); ++i) {
    TRY(scalars_[i]->Open());
    TRY(scalars_[i]->Evaluate(0, scalar_columns_[i]));
  }
  TRY(source_->Open());
  series_ = source_->series();
  reports_ = SeriesMayReport();
  if (!description_.function->keeps_name) {
    for (SeriesMeta& meta : series_) meta.drop_name = true;
  }
  return {};
}

// A scalar argument may be out of range, and a counter's name may not be one's.
bool RangeCall::SeriesMayReport() const {
  if (!scalars_.empty()) return true;
  if (!description_.function->is_counter) return false;
  return std::ranges::any_of(source_->series(), [this](const SeriesMeta& meta) {
    const std::string_view metric = context().naming().Get(meta, kMetricName);
    return !metric.empty() && !LooksLikeCounter(metric);
  });
}

Status RangeCall::Evaluate(size_t index, Column& out) {
  SeriesSamples samples = TRY(source_->Read(index));
  const std::string_view metric = context().naming().Get(source_->series()[index], kMetricName);
  if (!samples.histograms.empty()) samples = TRY(PrepareHistograms(samples, metric));
  const Windows& windows = windows_.Find(samples);
  out.histograms.clear();
  out.values.resize(steps());
  TRY(context().Work(steps()));

  RangeInput input;
  input.timestamps = samples.timestamps;
  input.values = samples.values;
  input.windows = windows.steps;
  input.total = windows.total;
  input.timestamp_column = samples.timestamp_column;
  input.grid = grid();
  input.shift = description_.windows.shift;
  input.range_ms = description_.range_ms;
  for (size_t i = 0; i < scalar_columns_.size(); ++i) input.scalars[i] = scalar_columns_[i].values;
  input.metric = metric;
  input.position = description_.argument;
  input.annotations = &context().annotations();
  input.scratch = &scratch_;
  TRY(RunKernel(input, out.values));
  context().CountSamples(windows.total);
  if (description_.function->is_counter) CheckCounterName(metric, out);
  return {};
}

// Step by step where a step's cost is its window's, so that the query can end in between.
Status RangeCall::RunKernel(const RangeInput& input, std::span<double> out) {
  if (!description_.function->whole_windows) return description_.kernel(input, out);
  RangeInput one = input;
  for (size_t step = 0; step < out.size(); ++step) {
    TRY(context().Work(4 * input.windows[step].size()));
    one.grid = {input.grid.at(step), input.grid.step_ms, 1};
    one.windows = input.windows.subspan(step, 1);
    one.total = one.windows[0].size();
    for (size_t i = 0; i < scalar_columns_.size(); ++i) {
      one.scalars[i] = input.scalars[i].subspan(step, 1);
    }
    TRY(description_.kernel(one, out.subspan(step, 1)));
  }
  return {};
}

// Leaves the floats, unless the function takes any sample.
Result<SeriesSamples> RangeCall::PrepareHistograms(const SeriesSamples& samples,
                                                   std::string_view metric) {
  const HistogramUse use = description_.function->histograms;
  SeriesSamples whole = samples;
  whole.timestamp_column = 0;  // the floats alone have timestamps of their own
  if (use == HistogramUse::kCounted) return whole;
  const Windows& windows = windows_.Find(whole);
  float_timestamps_.clear();
  float_values_.clear();
  bool ignored = false;
  for (uint32_t i = 0; i < samples.size(); ++i) {
    if (samples.histograms[i] == nullptr) {
      float_timestamps_.push_back(samples.timestamps[i]);
      float_values_.push_back(samples.values[i]);
    } else {
      ignored |= Touches(windows, i);
    }
  }
  if (ignored && use == HistogramUse::kNeeded) {
    return Fail(ErrorCode::kExecution,
                fmt::format("function {} is not implemented for native histograms",
                            description_.function->name));
  }
  if (ignored && !float_values_.empty()) {
    context().annotations().HistogramIgnoredInRange(metric, description_.argument);
  }
  return SeriesSamples{float_timestamps_, float_values_, {}, 0};
}

void RangeCall::CheckCounterName(std::string_view metric, const Column& out) {
  if (metric.empty() || LooksLikeCounter(metric) || out.CountPresent() == 0) return;
  context().annotations().PossibleNonCounter(metric, description_.argument);
}

std::string RangeCall::name() const {
  return fmt::format("{}({})", description_.function->name, source_->name());
}

std::vector<const Operator*> RangeCall::inputs() const {
  std::vector<const Operator*> inputs = source_->inputs();
  for (const OperatorPtr& scalar : scalars_) inputs.push_back(scalar.get());
  return inputs;
}

}  // namespace barograph::promql
