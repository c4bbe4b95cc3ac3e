#include "promql/exec/aggregate.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "base/model/number.h"
#include "promql/exec/fan_out.h"
#include "promql/func/math.h"
#include "promql/func/quantile.h"

namespace barograph::promql {

FoldAggregate::FoldAggregate(QueryContext& context, const AggregateExpr& expr, OperatorPtr input)
    : Operator(context, input->grid()),
      expr_(expr),
      input_(std::move(input)),
      locals_(context.lanes(), expr) {}

FoldAggregate::Local::Local(const AggregateExpr& expr)
    : fold(MakeFold(expr.op)),
      histograms(expr.op == AggregateOp::kSum ? HistogramTotal::Kind::kSum
                                              : HistogramTotal::Kind::kAverage,
                 UnwrapParens(*expr.expr).position) {}

Status FoldAggregate::Start() {
  TRY(input_->Open());
  groups_ = TRY(GroupSeries(context(), GroupingLabels(expr_), input_->series()));
  TRY(SettleNames(context(), *input_, groups_));
  for (const SeriesGroup& group : groups_) series_.push_back(group.meta);
  return {};
}

Status FoldAggregate::Compute(Lane& lane, size_t index, Column& out) {
  Local& local = locals_[lane];
  const std::vector<uint32_t>& members = groups_[index].members;
  local.fold->Reset(steps());
  local.histograms.Reset();
  TRY(EvaluateEach(context(), lane, *input_, members, local.column,
                   [&](Lane& running, size_t i, Column& column) {
                     if (!column.histograms.empty()) {
                       HandleHistograms(running, input_->series()[members[i]], local, column);
                     }
                     local.fold->Add(column.values);
                     return running.Work(steps());
                   }));
  out.Reset(steps());
  local.fold->Finish(out.values);
  local.histograms.Finish(out, lane.annotations());
  return {};
}

// Leaves in the column what the fold over floats takes.
void FoldAggregate::HandleHistograms(Lane& lane, const SeriesMeta& series, Local& local,
                                     Column& column) const {
  switch (expr_.op) {
    case AggregateOp::kCount:
    case AggregateOp::kGroup: return;
    case AggregateOp::kSum:
    case AggregateOp::kAvg:
      local.floats.resize(steps());
      local.fold->Finish(local.floats);
      local.histograms.TakeFrom(column, local.floats, context().naming().Get(series, kMetricName),
                                lane.annotations());
      return;
    default: IgnoreHistograms(lane, ToString(expr_.op), UnwrapParens(*expr_.expr).position, column);
  }
}

QuantileAggregate::QuantileAggregate(QueryContext& context, const AggregateExpr& expr,
                                     OperatorPtr parameter, OperatorPtr input)
    : Operator(context, input->grid()),
      expr_(expr),
      parameter_(std::move(parameter)),
      input_(std::move(input)),
      locals_(context.lanes()) {}

Status QuantileAggregate::Start() {
  TRY(parameter_->Open());
  TRY(parameter_->Evaluate(context().main(), 0, quantiles_));
  TRY(input_->Open());
  groups_ = TRY(GroupSeries(context(), GroupingLabels(expr_), input_->series()));
  TRY(SettleNames(context(), *input_, groups_));
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
  const PositionRange where = UnwrapParens(*expr_.param).position;
  Annotator& annotations = context().main().annotations();
  if (any_nan) annotations.InvalidQuantile(kNormalNan, where, expr_.position);
  if (high > 1) annotations.InvalidQuantile(high, where, expr_.position);
  if (low < 0) annotations.InvalidQuantile(low, where, expr_.position);
}

Status QuantileAggregate::Compute(Lane& lane, size_t index, Column& out) {
  Local& local = locals_[lane];
  const std::vector<uint32_t>& members = groups_[index].members;
  HeldSamples held(context());
  TRY(held.Add(members.size() * steps()));
  local.values.resize(members.size() * steps());
  TRY(EvaluateEach(context(), lane, *input_, members, local.column,
                   [&](Lane& running, size_t i, Column& column) {
                     IgnoreHistograms(running, "quantile", UnwrapParens(*expr_.expr).position,
                                      column);
                     for (size_t step = 0; step < steps(); ++step) {
                       local.values[step * members.size() + i] = column.values[step];
                     }
                     return running.Work(2 * steps());
                   }));
  return ComputeSteps(lane, local, members.size(), out);
}

Status QuantileAggregate::ComputeSteps(Lane& lane, Local& local, size_t members,
                                       Column& out) const {
  out.Reset(steps());
  for (size_t step = 0; step < steps(); ++step) {
    TRY(lane.Work(4 * members));
    const auto of_step = std::span(local.values).subspan(step * members, members);
    const auto absent = std::ranges::remove_if(of_step, IsAbsent);
    const std::span<double> present(of_step.begin(), absent.begin());
    if (!present.empty()) out.values[step] = Quantile(quantiles_.values[step], present);
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

Status CountValues::Start() {
  if (!IsUtf8Name(label_)) {
    return Fail(ErrorCode::kExecution, "invalid label name " + Quote(label_));
  }
  TRY(input_->Open());
  const auto groups = TRY(GroupSeries(context(), BaseLabels(), input_->series()));
  for (const SeriesGroup& group : groups) TRY(CountGroup(group));
  return {};
}

Status CountValues::CountGroup(const SeriesGroup& group) {
  ByValue by_value;
  Column scratch;
  return EvaluateEach(context(), context().main(), *input_, group.members, scratch,
                      [&](Lane& lane, size_t, const Column& column) -> Status {
                        return CountColumn(lane, group, column, by_value);
                      });
}

Status CountValues::CountColumn(Lane& lane, const SeriesGroup& group, const Column& column,
                                ByValue& by_value) {
  for (size_t step = 0; step < steps(); ++step) {
    TRY(lane.Work(0));
    if (!column.present(step)) continue;
    const FloatHistogram* histogram = column.histogram(step);
    std::string value;
    if (value_is_shown_) {
      value = histogram != nullptr ? histogram->ToString() : FormatValue(column.values[step]);
    }
    const auto [entry, is_new] = by_value.try_emplace(value, series_.size());
    if (is_new) {
      TRY(held_.Add(steps()));
      TRY(lane.Work(steps()));
      LabelsBuilder labels(*group.meta.labels);
      labels.Set(label_, value);
      series_.push_back({context().Keep(labels.Build()), false});
      counts_.emplace_back(steps(), kAbsent);
    }
    double& count = counts_[entry->second][step];
    count = IsAbsent(count) ? 1 : count + 1;
  }
  return {};
}

Status CountValues::Compute(Lane&, size_t index, Column& out) {
  out.histograms.clear();
  out.values = counts_[index];
  return {};
}

}  // namespace barograph::promql
