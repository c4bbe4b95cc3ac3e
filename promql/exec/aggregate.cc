#include "promql/exec/aggregate.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "base/model/number.h"
#include "promql/func/math.h"
#include "promql/func/quantile.h"

namespace barograph::promql {

FoldAggregate::FoldAggregate(QueryContext& context, const AggregateExpr& expr, OperatorPtr input)
    : Operator(context, input->grid()),
      expr_(expr),
      input_(std::move(input)),
      fold_(MakeFold(expr.op)),
      histograms_(expr.op == AggregateOp::kSum ? HistogramTotal::Kind::kSum
                                               : HistogramTotal::Kind::kAverage,
                  context.annotations(), expr.expr->position) {}

Status FoldAggregate::Open() {
  TRY(input_->Open());
  groups_ = TRY(GroupSeries(context(), GroupingLabels(expr_), input_->series()));
  for (const SeriesGroup& group : groups_) series_.push_back(group.meta);
  return {};
}

Status FoldAggregate::Evaluate(size_t index, Column& out) {
  fold_->Reset(steps());
  histograms_.Reset();
  for (const uint32_t member : groups_[index].members) {
    TRY(input_->Evaluate(member, column_));
    TRY(context().Work(steps()));
    if (!column_.histograms.empty()) HandleHistograms(input_->series()[member], column_);
    fold_->Add(column_.values);
  }
  out.Reset(steps());
  fold_->Finish(out.values);
  histograms_.Finish(out);
  return {};
}

// Leaves in the column what the fold over floats takes.
void FoldAggregate::HandleHistograms(const SeriesMeta& series, Column& column) {
  switch (expr_.op) {
    case AggregateOp::kCount:
    case AggregateOp::kGroup: return;
    case AggregateOp::kSum:
    case AggregateOp::kAvg:
      histograms_.TakeFrom(column, context().naming().Get(series, kMetricName));
      return;
    default: IgnoreHistograms(context(), ToString(expr_.op), expr_.expr->position, column);
  }
}

QuantileAggregate::QuantileAggregate(QueryContext& context, const AggregateExpr& expr,
                                     OperatorPtr parameter, OperatorPtr input)
    : Operator(context, input->grid()),
      expr_(expr),
      parameter_(std::move(parameter)),
      input_(std::move(input)) {}

Status QuantileAggregate::Open() {
  TRY(parameter_->Open());
  TRY(parameter_->Evaluate(0, quantiles_));
  TRY(input_->Open());
  groups_ = TRY(GroupSeries(context(), GroupingLabels(expr_), input_->series()));
  for (const SeriesGroup& group : groups_) series_.push_back(group.meta);
  CheckParameter();
  return {};
}

void QuantileAggregate::CheckParameter() {
  double low = std::numeric_limits<double>::max();
  double high = -low;
  bool any_nan = false;
  for (const double quantile : quantiles_.values) {
    low = GoMin(low, quantile);
    high = GoMax(high, quantile);
    any_nan |= std::isnan(quantile);
  }
  const PositionRange where = expr_.param->position;
  if (any_nan) context().annotations().InvalidQuantile(kNormalNan, where);
  if (high > 1) context().annotations().InvalidQuantile(high, where);
  if (low < 0) context().annotations().InvalidQuantile(low, where);
}

Status QuantileAggregate::Evaluate(size_t index, Column& out) {
  const std::vector<uint32_t>& members = groups_[index].members;
  HeldSamples held(context());
  TRY(held.Add(members.size() * steps()));
  values_.resize(members.size() * steps());
  for (size_t i = 0; i < members.size(); ++i) {
    TRY(input_->Evaluate(members[i], column_));
    IgnoreHistograms(context(), "quantile", expr_.expr->position, column_);
    std::copy(column_.values.begin(), column_.values.end(),
              values_.begin() + static_cast<std::ptrdiff_t>(i * steps()));
  }
  TRY(context().Work(members.size() * steps()));
  return ComputeSteps(members.size(), out);
}

Status QuantileAggregate::ComputeSteps(size_t members, Column& out) {
  out.Reset(steps());
  for (size_t step = 0; step < steps(); ++step) {
    TRY(context().Work(4 * members));
    at_step_.clear();
    for (size_t i = 0; i < members; ++i) {
      const double value = values_[i * steps() + step];
      if (!IsAbsent(value)) at_step_.push_back(value);
    }
    if (!at_step_.empty()) out.values[step] = Quantile(quantiles_.values[step], at_step_);
  }
  return {};
}

CountValues::CountValues(QueryContext& context, const AggregateExpr& expr, OperatorPtr input)
    : Operator(context, input->grid()),
      expr_(expr),
      input_(std::move(input)),
      label_(As<StringLiteral>(UnwrapParens(*expr.param)).value),
      held_(context) {
  const auto named = std::find(expr.grouping.begin(), expr.grouping.end(), label_);
  value_is_shown_ = !expr.without || named == expr.grouping.end();
}

LabelSubset CountValues::BaseLabels() const {
  std::vector<std::string> names = expr_.grouping;
  if (!expr_.without) {
    std::erase(names, label_);
    return LabelSubset::Only(std::move(names));
  }
  names.push_back(label_);
  names.emplace_back(kMetricName);
  return LabelSubset::Except(std::move(names));
}

Status CountValues::Open() {
  if (!IsUtf8Name(label_)) {
    return Fail(ErrorCode::kExecution, "invalid label name " + Quote(label_));
  }
  TRY(input_->Open());
  const auto groups = TRY(GroupSeries(context(), BaseLabels(), input_->series()));
  for (const SeriesGroup& group : groups) TRY(CountGroup(group));
  return {};
}

Status CountValues::CountGroup(const SeriesGroup& group) {
  std::unordered_map<std::string, size_t> by_value;
  Column column;
  for (const uint32_t member : group.members) {
    TRY(input_->Evaluate(member, column));
    for (size_t step = 0; step < steps(); ++step) {
      if (!column.present(step)) continue;
      const FloatHistogram* histogram = column.histogram(step);
      std::string value;
      if (value_is_shown_) {
        value = histogram != nullptr ? histogram->ToString() : FormatValue(column.values[step]);
      }
      const auto [entry, is_new] = by_value.try_emplace(value, series_.size());
      if (is_new) {
        TRY(held_.Add(steps()));
        LabelsBuilder labels(*group.meta.labels);
        labels.Set(label_, value);
        series_.push_back({context().Keep(labels.Build()), false});
        counts_.emplace_back(steps(), kAbsent);
      }
      double& count = counts_[entry->second][step];
      count = IsAbsent(count) ? 1 : count + 1;
    }
    TRY(context().Work(64 * steps()));
  }
  return {};
}

Status CountValues::Evaluate(size_t index, Column& out) {
  out.histograms.clear();
  out.values = counts_[index];
  return {};
}

}  // namespace barograph::promql
