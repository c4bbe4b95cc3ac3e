#include "promql/exec/classic_histogram_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace barograph::promql {

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
  CheckScalars();
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
    series_.push_back({group.meta.labels, true});
  }
  return {};
}

Status ClassicHistogramCall::ReadMembers(const Histogram& histogram) {
  counts_.resize(histogram.members.size() * steps());
  for (size_t i = 0; i < histogram.members.size(); ++i) {
    TRY(input_->Evaluate(histogram.members[i], column_));
    TRY(context().Work(steps()));
    column_.EraseHistograms();
    std::copy(column_.values.begin(), column_.values.end(),
              counts_.begin() + static_cast<std::ptrdiff_t>(i * steps()));
  }
  return {};
}

Status ClassicHistogramCall::Evaluate(size_t index, Column& out) {
  const Histogram& histogram = histograms_[index];
  HeldSamples held(context());
  TRY(held.Add(histogram.members.size() * steps()));
  TRY(ReadMembers(histogram));
  const std::string_view metric =
      context().naming().delayed ? series_[index].labels->metric_name() : std::string_view();
  out.Reset(steps());
  for (size_t step = 0; step < steps(); ++step) {
    buckets_.clear();
    for (size_t i = 0; i < histogram.members.size(); ++i) {
      const double count = counts_[i * steps() + step];
      if (!IsAbsent(count)) buckets_.push_back({histogram.bounds[i], count});
    }
    if (!buckets_.empty()) out.values[step] = Compute(step, metric, buckets_);
  }
  return {};
}

std::vector<const Operator*> ClassicHistogramCall::inputs() const {
  std::vector<const Operator*> inputs = {input_.get()};
  for (const OperatorPtr& scalar : scalars_) inputs.push_back(scalar.get());
  return inputs;
}

void HistogramQuantile::CheckScalars() {
  for (size_t step = 0; step < steps(); ++step) {
    const double q = scalar(0, step);
    if (!(q >= 0 && q <= 1)) context().annotations().InvalidQuantile(q, quantile_);
  }
}

double HistogramQuantile::Compute(size_t step, std::string_view metric,
                                  std::vector<Bucket>& buckets) {
  BucketRepair repair;
  const double quantile = BucketQuantile(scalar(0, step), buckets, repair);
  if (repair.forced) {
    context().annotations().ForcedMonotonicity(
        metric, {grid().at(step), repair.min_bucket, repair.max_bucket, repair.max_diff},
        argument());
  }
  return quantile;
}

double HistogramFraction::Compute(size_t step, std::string_view, std::vector<Bucket>& buckets) {
  return BucketFraction(scalar(0, step), scalar(1, step), buckets);
}

}  // namespace barograph::promql
