#include "promql/exec/histogram_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "base/model/number.h"
#include "promql/exec/fan_out.h"

namespace barograph::promql {
namespace {

bool SameQuantile(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

bool IsWhole(const std::vector<double>& bounds) {
  const bool ascending = std::ranges::adjacent_find(bounds, std::greater_equal<>()) == bounds.end();
  return bounds.size() >= 2 && bounds.back() == kInf && ascending;
}

// As OpenMetrics writes floats: with a point where there is no exponent.
std::string FormatQuantile(double q) {
  std::string text = FormatShortest(q);
  if (std::isfinite(q) && text.find_first_of("e.") == std::string::npos) text += ".0";
  return text;
}

}  // namespace

HistogramCall::HistogramCall(QueryContext& context, std::string_view function,
                             PositionRange argument, OperatorPtr input,
                             std::vector<OperatorPtr> scalars)
    : Operator(context, input->grid()),
      function_(function),
      argument_(argument),
      input_(std::move(input)),
      scalars_(std::move(scalars)),
      scalar_columns_(scalars_.size()),
      locals_(context.lanes()) {}

Status HistogramCall::Start() {
  for (size_t i = 0; i < scalars_.size(); ++i) {
    TRY(scalars_[i]->Open());
    TRY(scalars_[i]->Evaluate(context().main(), 0, scalar_columns_[i]));
  }
  variants_ = Prepare();
  TRY(input_->Open());
  return FindHistograms();
}

Status HistogramCall::FindHistograms() {
  const std::vector<SeriesMeta>& inputs = input_->series();
  const LabelSubset all_but_le = LabelSubset::Except({std::string(kBucketLabel)});
  for (const SeriesGroup& group : TRY(GroupSeries(context(), all_but_le, inputs))) {
    Histogram histogram;
    std::vector<std::pair<double, uint32_t>> members;
    for (const uint32_t member : group.members) {
      const auto bound = ParseBucketBound(inputs[member].labels->Get(kBucketLabel));
      if (bound.has_value() && !std::isnan(*bound)) {
        members.emplace_back(*bound, member);
      } else if (TRY(HasNative(member))) {
        histogram.native = member;
      }
    }
    if (members.empty() && histogram.native == kNone) continue;
    // Bounds that are spelled in several ways by their text, so that the order in which they are
    // added up does not depend on that of the series.
    std::ranges::sort(members, [&](const auto& a, const auto& b) {
      if (a.first != b.first) return a.first < b.first;
      return inputs[a.second].labels->Get(kBucketLabel) <
             inputs[b.second].labels->Get(kBucketLabel);
    });
    for (const auto& [bound, member] : members) {
      histogram.bounds.push_back(bound);
      histogram.members.push_back(member);
    }
    histogram.whole = IsWhole(histogram.bounds);
    histograms_.push_back(std::move(histogram));
    AddSeries(group.meta);
  }
  return {};
}

// Whether a series without a bucket's bound has native histograms. A float there is worth a
// warning.
Result<bool> HistogramCall::HasNative(uint32_t member) {
  Lane& lane = context().main();
  Column& column = locals_[lane].column;
  TRY(input_->Evaluate(lane, member, column));
  const bool native = !column.histograms.empty();
  column.EraseHistograms();
  if (column.CountPresent() == 0) return native;
  const Naming naming = context().naming();
  const Labels& labels = *input_->series()[member].labels;
  lane.annotations().BadBucketLabel(naming.delayed ? labels.metric_name() : std::string_view(),
                                    labels.Get(kBucketLabel), argument_);
  return native;
}

void HistogramCall::AddSeries(const SeriesMeta& histogram) {
  for (const Variant& variant : variants_) {
    if (variant.label.empty()) {
      series_.push_back({histogram.labels, true});
      continue;
    }
    LabelsBuilder labels(*histogram.labels);
    labels.Set(variant.label, variant.value);
    series_.push_back({context().Keep(labels.Build()), true});
  }
}

Status HistogramCall::ReadMembers(Lane& lane, size_t index, Local& local) {
  if (local.read == index) return {};
  local.read = SIZE_MAX;
  const Histogram& histogram = histograms_[index];
  local.counts.resize(histogram.members.size() * steps());
  TRY(EvaluateEach(context(), lane, *input_, histogram.members, local.column,
                   [&](Lane& running, size_t i, Column& column) {
                     column.EraseHistograms();
                     std::ranges::copy(column.values, local.counts.begin() +
                                                          static_cast<std::ptrdiff_t>(i * steps()));
                     return running.Work(steps());
                   }));
  if (histogram.native != kNone) {
    TRY(input_->Evaluate(lane, histogram.native, local.native));
  } else {
    local.native.histograms.clear();
  }
  local.read = index;
  return {};
}

Status HistogramCall::Compute(Lane& lane, size_t index, Column& out) {
  const size_t variant = index % variants_.size();
  const Histogram& histogram = histograms_[index / variants_.size()];
  Local& local = locals_[lane];
  HeldSamples held(context());
  TRY(held.Add(histogram.members.size() * steps()));
  TRY(ReadMembers(lane, index / variants_.size(), local));
  const std::string_view metric =
      context().naming().delayed ? series_[index].labels->metric_name() : std::string_view();
  out.Reset(steps());
  if (histogram.whole && local.native.histograms.empty()) {
    ComputeMany(variant, {histogram.bounds, local.counts, steps()}, out.values, local.left);
  } else {
    local.left.resize(steps());
    std::iota(local.left.begin(), local.left.end(), 0);
  }
  for (const uint32_t step : local.left) {
    out.values[step] = AtStep(lane, histogram, local, step, variant, metric);
  }
  return {};
}

void HistogramCall::ComputeMany(size_t, const BucketColumns& buckets, std::span<double>,
                                std::vector<uint32_t>& left) {
  left.resize(buckets.steps);
  std::iota(left.begin(), left.end(), 0);
}

double HistogramCall::AtStep(Lane& lane, const Histogram& histogram, Local& local, size_t step,
                             size_t variant, std::string_view metric) {
  std::vector<Bucket>& buckets = local.buckets;
  buckets.clear();
  for (size_t i = 0; i < histogram.members.size(); ++i) {
    const double count = local.counts[i * steps() + step];
    if (!IsAbsent(count)) buckets.push_back({histogram.bounds[i], count});
  }
  const FloatHistogram* native = local.native.histogram(step);
  if (native == nullptr) {
    return buckets.empty() ? kAbsent : ComputeStep(lane, step, variant, metric, buckets);
  }
  if (!buckets.empty()) {
    lane.annotations().MixedClassicNative(metric, argument_);
    return kAbsent;
  }
  const NativeEstimate estimate = ComputeNative(step, variant, *native);
  lane.annotations().NanObservations(estimate.nan_effect, metric, argument_);
  return estimate.value;
}

std::vector<const Operator*> HistogramCall::inputs() const {
  std::vector<const Operator*> inputs = {input_.get()};
  for (const OperatorPtr& scalar : scalars_) inputs.push_back(scalar.get());
  return inputs;
}

std::vector<HistogramCall::Variant> HistogramQuantile::Prepare() {
  std::vector<Variant> variants;
  for (size_t i = 0; i < scalars(); ++i) {
    const size_t first = wanted_.size();
    for (size_t step = 0; step < steps(); ++step) {
      const double q = scalar(i, step);
      if (!(q >= 0 && q <= 1)) {
        context().main().annotations().InvalidQuantile(q, positions_[i], whole_);
      }
      const bool known =
          std::any_of(wanted_.begin() + static_cast<std::ptrdiff_t>(first), wanted_.end(),
                      [&](const Wanted& wanted) { return SameQuantile(wanted.quantile, q); });
      if (known) continue;
      wanted_.push_back({i, q});
      variants.push_back({label_, FormatQuantile(q)});
    }
  }
  if (!label_.empty()) return variants;
  wanted_.clear();
  return {{}};
}

std::optional<double> HistogramQuantile::QuantileAt(size_t step, size_t variant) const {
  const double q = scalar(wanted_.empty() ? 0 : wanted_[variant].scalar, step);
  if (!wanted_.empty() && !SameQuantile(q, wanted_[variant].quantile)) return std::nullopt;
  return q;
}

// Of several quantiles of one histogram the first repairs it for all.
bool HistogramQuantile::IsFirstToRepair(size_t step, size_t variant) const {
  for (size_t before = 0; before < variant; ++before) {
    const auto q = QuantileAt(step, before);
    if (q.has_value() && *q >= 0 && *q <= 1) return false;
  }
  return true;
}

NativeEstimate HistogramQuantile::ComputeNative(size_t step, size_t variant,
                                                const FloatHistogram& histogram) {
  const auto q = QuantileAt(step, variant);
  return q.has_value() ? NativeQuantile(*q, histogram) : NativeEstimate{kAbsent};
}

double HistogramQuantile::ComputeStep(Lane& lane, size_t step, size_t variant,
                                      std::string_view metric, std::vector<Bucket>& buckets) {
  const auto q = QuantileAt(step, variant);
  if (!q.has_value()) return kAbsent;
  BucketRepair repair;
  const double quantile = BucketQuantile(*q, buckets, repair);
  if (repair.forced && IsFirstToRepair(step, variant)) {
    lane.annotations().ForcedMonotonicity(
        metric, {grid().at(step), repair.min_bucket, repair.max_bucket, repair.max_diff},
        argument());
  }
  return quantile;
}

void HistogramQuantile::ComputeMany(size_t variant, const BucketColumns& buckets,
                                    std::span<double> out, std::vector<uint32_t>& left) {
  // Of histogram_quantiles, each variant takes its quantile at some steps only.
  if (!wanted_.empty()) return HistogramCall::ComputeMany(variant, buckets, out, left);
  BucketQuantiles(scalar_column(0), buckets, out, left);
}

NativeEstimate HistogramFraction::ComputeNative(size_t step, size_t,
                                                const FloatHistogram& histogram) {
  return NativeFraction(scalar(0, step), scalar(1, step), histogram);
}

double HistogramFraction::ComputeStep(Lane&, size_t step, size_t, std::string_view,
                                      std::vector<Bucket>& buckets) {
  return BucketFraction(scalar(0, step), scalar(1, step), buckets);
}

}  // namespace barograph::promql
