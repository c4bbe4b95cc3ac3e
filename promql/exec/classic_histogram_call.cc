#include "promql/exec/classic_histogram_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/model/number.h"

namespace barograph::promql {
namespace {

bool SameQuantile(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

// As OpenMetrics writes floats: with a point where there is no exponent.
std::string FormatQuantile(double q) {
  std::string text = FormatShortest(q);
  if (std::isfinite(q) && text.find_first_of("e.") == std::string::npos) text += ".0";
  return text;
}

}  // namespace

ClassicHistogramCall::ClassicHistogramCall(QueryContext& context, std::string_view function,
                                           PositionRange argument, OperatorPtr input,
                                           std::vector<OperatorPtr> scalars)
    : Operator(context, input->grid()),
      function_(function),
      argument_(argument),
      input_(std::move(input)),
      scalars_(std::move(scalars)),
      scalar_columns_(scalars_.size()) {}

Status ClassicHistogramCall::Open() {
  for (size_t i = 0; i < scalars_.size(); ++i) {
    TRY(scalars_[i]->Open());
    TRY(scalars_[i]->Evaluate(0, scalar_columns_[i]));
  }
  variants_ = Prepare();
  TRY(input_->Open());
  return FindHistograms();
}

Status ClassicHistogramCall::FindHistograms() {
  const std::vector<SeriesMeta>& inputs = input_->series();
  const LabelSubset all_but_le = LabelSubset::Except({std::string(kBucketLabel)});
  for (const SeriesGroup& group : TRY(GroupSeries(context(), all_but_le, inputs))) {
    std::vector<std::pair<double, uint32_t>> members;
    for (const uint32_t member : group.members) {
      const std::string_view le = inputs[member].labels->Get(kBucketLabel);
      const auto bound = ParseBucketBound(le);
      if (bound.has_value() && !std::isnan(*bound)) {
        members.emplace_back(*bound, member);
        continue;
      }
      // A float without a bound is worth a warning, if it is there at all; a native histogram
      // has none.
      TRY(input_->Evaluate(member, column_));
      if (!column_.histograms.empty()) {
        return Fail(ErrorCode::kExecution,
                    fmt::format("function {} is not implemented for native histograms", function_));
      }
      if (column_.CountPresent() == 0) continue;
      const Naming naming = context().naming();
      context().annotations().BadBucketLabel(
          naming.delayed ? inputs[member].labels->metric_name() : std::string_view(), le,
          argument_);
    }
    if (members.empty()) continue;
    std::sort(members.begin(), members.end());
    Histogram& histogram = histograms_.emplace_back();
    for (const auto& [bound, member] : members) {
      histogram.bounds.push_back(bound);
      histogram.members.push_back(member);
    }
    AddSeries(group.meta);
  }
  return {};
}

void ClassicHistogramCall::AddSeries(const SeriesMeta& histogram) {
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

Status ClassicHistogramCall::ReadMembers(size_t index) {
  if (read_ == index) return {};
  read_ = SIZE_MAX;
  const Histogram& histogram = histograms_[index];
  counts_.resize(histogram.members.size() * steps());
  for (size_t i = 0; i < histogram.members.size(); ++i) {
    TRY(input_->Evaluate(histogram.members[i], column_));
    TRY(context().Work(steps()));
    column_.EraseHistograms();
    std::copy(column_.values.begin(), column_.values.end(),
              counts_.begin() + static_cast<std::ptrdiff_t>(i * steps()));
  }
  read_ = index;
  return {};
}

Status ClassicHistogramCall::Evaluate(size_t index, Column& out) {
  const size_t variant = index % variants_.size();
  const Histogram& histogram = histograms_[index / variants_.size()];
  HeldSamples held(context());
  TRY(held.Add(histogram.members.size() * steps()));
  TRY(ReadMembers(index / variants_.size()));
  const std::string_view metric =
      context().naming().delayed ? series_[index].labels->metric_name() : std::string_view();
  out.Reset(steps());
  for (size_t step = 0; step < steps(); ++step) {
    buckets_.clear();
    for (size_t i = 0; i < histogram.members.size(); ++i) {
      const double count = counts_[i * steps() + step];
      if (!IsAbsent(count)) buckets_.push_back({histogram.bounds[i], count});
    }
    if (!buckets_.empty()) out.values[step] = Compute(step, variant, metric, buckets_);
  }
  return {};
}

std::vector<const Operator*> ClassicHistogramCall::inputs() const {
  std::vector<const Operator*> inputs = {input_.get()};
  for (const OperatorPtr& scalar : scalars_) inputs.push_back(scalar.get());
  return inputs;
}

std::vector<ClassicHistogramCall::Variant> HistogramQuantile::Prepare() {
  std::vector<Variant> variants;
  for (size_t i = 0; i < scalars(); ++i) {
    const size_t first = wanted_.size();
    for (size_t step = 0; step < steps(); ++step) {
      const double q = scalar(i, step);
      if (!(q >= 0 && q <= 1)) context().annotations().InvalidQuantile(q, positions_[i]);
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

double HistogramQuantile::Compute(size_t step, size_t variant, std::string_view metric,
                                  std::vector<Bucket>& buckets) {
  const double q = scalar(wanted_.empty() ? 0 : wanted_[variant].scalar, step);
  if (!wanted_.empty() && !SameQuantile(q, wanted_[variant].quantile)) return kAbsent;
  BucketRepair repair;
  const double quantile = BucketQuantile(q, buckets, repair);
  if (repair.forced) {
    context().annotations().ForcedMonotonicity(
        metric, {grid().at(step), repair.min_bucket, repair.max_bucket, repair.max_diff},
        argument());
  }
  return quantile;
}

double HistogramFraction::Compute(size_t step, size_t, std::string_view,
                                  std::vector<Bucket>& buckets) {
  return BucketFraction(scalar(0, step), scalar(1, step), buckets);
}

}  // namespace barograph::promql
