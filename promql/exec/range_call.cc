#include "promql/exec/range_call.h"

#include <fmt/format.h>

#include <algorithm>

namespace barograph::promql {
namespace {

// What a histogram costs next to a float.
constexpr size_t kHistogramWork = 64;

bool LooksLikeCounter(std::string_view metric) {
  return metric.ends_with("_total") || metric.ends_with("_sum") || metric.ends_with("_count") ||
         metric.ends_with("_bucket");
}

}  // namespace

RangeCall::RangeCall(QueryContext& context, const Description& description, RangeSourcePtr source,
                     std::vector<OperatorPtr> scalars)
    : Operator(context, description.windows.grid),
      description_(description),
      source_(std::move(source)),
      scalars_(std::move(scalars)),
      scalar_columns_(scalars_.size()),
      locals_(context.lanes(), description.windows) {}

Status RangeCall::Start() {
  for (size_t i = 0; i < scalars_.size(); ++i) {
    TRY(scalars_[i]->Open());
    TRY(scalars_[i]->Evaluate(context().main(), 0, scalar_columns_[i]));
  }
  TRY(source_->Open());
  series_ = source_->series();
  reports_ = SeriesMayReport();
  if (!description_.function->keeps_name) {
    for (SeriesMeta& meta : series_) meta.drop_name = true;
  }
  return {};
}

// A scalar argument may be out of range, histograms may not go with each other or with floats, a
// counter's name may not be one's, and its samples may overlap.
bool RangeCall::SeriesMayReport() const {
  if (!scalars_.empty() || description_.use_starts) return true;
  if (!description_.function->counts_histograms && source_->may_have_histograms()) return true;
  if (!description_.function->is_counter) return false;
  return std::ranges::any_of(source_->series(), [this](const SeriesMeta& meta) {
    const std::string_view metric = context().naming().Get(meta, kMetricName);
    return !metric.empty() && !LooksLikeCounter(metric);
  });
}

Status RangeCall::Compute(Lane& lane, size_t index, Column& out) {
  SeriesSamples samples = TRY(source_->Read(lane, index));
  if (!description_.use_starts) samples.start_timestamps = {};
  const std::string_view metric = context().naming().Get(source_->series()[index], kMetricName);
  const bool mixed = !samples.histograms.empty();
  if (mixed) samples.timestamp_column = 0;  // the floats alone have timestamps of their own
  if (mixed && !description_.function->counts_histograms) {
    TRY(EvaluateMixed(lane, samples, metric, out));
  } else {
    const Windows* windows = TRY(EvaluateFloats(lane, samples, metric, out));
    if (ChecksOverlaps(samples)) CheckOverlaps(lane, samples, *windows, metric);
  }
  if (description_.function->is_counter) CheckCounterName(lane, metric, out);
  return {};
}

Result<const Windows*> RangeCall::EvaluateFloats(Lane& lane, const SeriesSamples& samples,
                                                 std::string_view metric, Column& out) {
  Local& local = locals_[lane];
  const Windows& windows = local.windows.Find(samples);
  out.histograms.clear();
  out.values.resize(steps());
  TRY(lane.Work(steps()));

  RangeInput input;
  input.timestamps = samples.timestamps;
  input.values = samples.values;
  input.starts = samples.start_timestamps;
  input.windows = windows.steps;
  input.total = windows.total;
  input.timestamp_column = samples.timestamp_column;
  input.grid = grid();
  input.shift = description_.windows.shift;
  input.range_ms = description_.range_ms;
  for (size_t i = 0; i < scalar_columns_.size(); ++i) input.scalars[i] = scalar_columns_[i].values;
  input.metric = metric;
  input.position = description_.argument;
  input.annotations = &lane.annotations();
  input.scratch = &local.scratch;
  input.lane = &lane;
  TRY(RunKernel(lane, input, out.values));
  CountSamples(lane, windows.total, source_->is_stored() ? windows.covered : 0,
               [&](size_t step) { return windows.steps[step].size(); });
  return &windows;
}

// Step by step where a step's cost is its window's, so that the query can end in between.
Status RangeCall::RunKernel(Lane& lane, const RangeInput& input, std::span<double> out) const {
  if (!description_.function->whole_windows) return description_.kernels.floats(input, out);
  RangeInput one = input;
  for (size_t step = 0; step < out.size(); ++step) {
    TRY(lane.Work(4 * input.windows[step].size()));
    one.grid = {input.grid.at(step), input.grid.step_ms, 1, true};
    one.windows = input.windows.subspan(step, 1);
    one.total = one.windows[0].size();
    for (size_t i = 0; i < scalar_columns_.size(); ++i) {
      one.scalars[i] = input.scalars[i].subspan(step, 1);
    }
    TRY(description_.kernels.floats(one, out.subspan(step, 1)));
  }
  return {};
}

// First as if there were floats only, then again the steps at which there are histograms.
Status RangeCall::EvaluateMixed(Lane& lane, const SeriesSamples& samples, std::string_view metric,
                                Column& out) {
  Local& local = locals_[lane];
  SplitOffFloats(samples, local);
  SeriesSamples floats_only;
  floats_only.timestamps = local.float_timestamps;
  floats_only.values = local.float_values;
  floats_only.start_timestamps = local.float_starts;
  TRY(EvaluateFloats(lane, floats_only, metric, out));
  const Windows& windows = local.mixed_windows.Find(samples);
  OverlapSearch overlaps({samples.timestamps, samples.start_timestamps});
  size_t overlapping = 0;
  size_t histograms = 0;
  size_t histograms_covered = 0;
  uint32_t seen = 0;  // the end of the windows before
  const auto floats_in = [&](Window window) {
    return local.floats_before[window.end] - local.floats_before[window.begin];
  };
  for (size_t step = 0; step < steps(); ++step) {
    const Window window = windows.steps[step];
    const uint32_t floats = floats_in(window);
    const Window unseen{std::clamp(seen, window.begin, window.end), window.end};
    histograms_covered += unseen.size() - floats_in(unseen);
    seen = std::max(seen, window.end);
    if (floats == window.size()) {
      if (ChecksOverlaps(samples) && overlaps.In(window)) ++overlapping;
      continue;
    }
    TRY(lane.Work(kHistogramWork * (window.size() - floats)));
    histograms += window.size() - floats;
    MixedWindow mixed;
    mixed.timestamps = samples.timestamps.subspan(window.begin, window.size());
    mixed.values = samples.values.subspan(window.begin, window.size());
    mixed.histograms = samples.histograms.subspan(window.begin, window.size());
    if (!samples.start_timestamps.empty()) {
      mixed.starts = samples.start_timestamps.subspan(window.begin, window.size());
    }
    mixed.end_ms = description_.windows.shift.Refer(grid().at(step));
    mixed.range_ms = description_.range_ms;
    mixed.metric = metric;
    mixed.position = description_.argument;
    mixed.annotations = &lane.annotations();
    EvaluateWindow(mixed, floats > 0, step, out);
  }
  CountSamples(lane, histograms, source_->is_stored() ? histograms_covered : 0, [&](size_t step) {
    const Window window = windows.steps[step];
    return window.size() - floats_in(window);
  });
  lane.annotations().StartOverlaps(metric, overlapping, description_.argument);
  return {};
}

void RangeCall::CheckOverlaps(Lane& lane, const SeriesSamples& samples, const Windows& windows,
                              std::string_view metric) const {
  OverlapSearch search({samples.timestamps, samples.start_timestamps});
  const auto overlapping =
      std::ranges::count_if(windows.steps, [&](Window window) { return search.In(window); });
  lane.annotations().StartOverlaps(metric, static_cast<size_t>(overlapping), description_.argument);
}

void RangeCall::SplitOffFloats(const SeriesSamples& samples, Local& local) {
  local.float_timestamps.clear();
  local.float_values.clear();
  local.float_starts.clear();
  local.floats_before.clear();
  for (size_t i = 0; i < samples.size(); ++i) {
    local.floats_before.push_back(static_cast<uint32_t>(local.float_values.size()));
    if (samples.histograms[i] != nullptr) continue;
    local.float_timestamps.push_back(samples.timestamps[i]);
    local.float_values.push_back(samples.values[i]);
    if (samples.start_timestamps.empty()) continue;
    local.float_starts.push_back(samples.start_timestamps[i]);
  }
  local.floats_before.push_back(static_cast<uint32_t>(local.float_values.size()));
}

void RangeCall::EvaluateWindow(const MixedWindow& window, bool has_floats, size_t step,
                               Column& out) const {
  if (description_.kernels.mixed == nullptr) {
    if (has_floats) window.annotations->HistogramIgnoredInRange(window.metric, window.position);
    return;
  }
  auto result = description_.kernels.mixed(window);
  if (!result.has_value()) return;
  if (result->histogram != nullptr) {
    out.SetHistogram(step, std::move(result->histogram));
  } else {
    out.values[step] = result->value;
  }
}

void RangeCall::CheckCounterName(Lane& lane, std::string_view metric, const Column& out) const {
  if (metric.empty() || LooksLikeCounter(metric)) return;
  bool any_float = false;
  for (size_t step = 0; step < out.size() && !any_float; ++step) {
    any_float = out.present(step) && out.histogram(step) == nullptr;
  }
  if (!any_float) return;
  lane.annotations().PossibleNonCounter(metric, description_.argument);
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
