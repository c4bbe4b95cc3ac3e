#include "promql/exec/select_k.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/model/number.h"
#include "promql/exec/fan_out.h"
#include "promql/func/math.h"
#include "promql/func/ranked_heaps.h"

namespace barograph::promql {
namespace {

constexpr double kTwoTo63 = 9223372036854775808.0;

// The length prefix of Prometheus's packed labels: one byte, or 255 and three bytes.
void AppendSized(std::string& bytes, std::string_view text) {
  const size_t size = text.size();
  if (size < 255) {
    bytes += static_cast<char>(size);
  } else {
    bytes += '\xff';
    for (int shift = 0; shift < 24; shift += 8) bytes += static_cast<char>(size >> shift);
  }
  bytes += text;
}

}  // namespace

double RatioOffset(const Labels& labels) {
  std::string bytes;
  for (const Label& label : labels) {
    AppendSized(bytes, label.name);
    AppendSized(bytes, label.value);
  }
  return static_cast<double>(XXH64(bytes.data(), bytes.size(), 0)) / (2 * kTwoTo63);
}

SelectK::SelectK(QueryContext& context, const AggregateExpr& expr, OperatorPtr parameter,
                 OperatorPtr input)
    : Operator(context, input->grid()),
      expr_(expr),
      parameter_(std::move(parameter)),
      input_(std::move(input)),
      held_(context) {}

Status SelectK::Start() {
  TRY(parameter_->Open());
  TRY(parameter_->Evaluate(context().main(), 0, parameters_));
  TRY(input_->Open());
  if (!TRY(CheckParameter())) {
    for (size_t i = 0; i < input_->series().size(); ++i) {
      TRY(EvaluateForReports(context().main(), *input_, i, column_));
    }
    return {};
  }
  const auto groups = TRY(GroupSeries(context(), GroupingLabels(expr_), input_->series()));
  for (const SeriesGroup& group : groups) TRY(SelectFrom(group));
  return {};
}

// False when the result is empty whatever the input.
Result<bool> SelectK::CheckParameter() {
  double low = std::numeric_limits<double>::max();
  double high = -low;
  bool any_nan = false;
  for (const double value : parameters_.values) {
    low = GoMin(low, value);
    high = GoMax(high, value);
    any_nan |= std::isnan(value);
  }
  return expr_.op == AggregateOp::kLimitRatio ? CheckRatio(low, high, any_nan)
                                              : CheckCount(low, high, any_nan);
}

Result<bool> SelectK::CheckCount(double low, double high, bool any_nan) const {
  if (high < 1) return false;
  if (any_nan) return Fail(ErrorCode::kExecution, "Parameter value is NaN");
  if (low <= -kTwoTo63) {
    return Fail(ErrorCode::kExecution,
                fmt::format("Scalar value {} underflows int64", FormatShortest(low)));
  }
  if (high >= kTwoTo63) {
    return Fail(ErrorCode::kExecution,
                fmt::format("Scalar value {} overflows int64", FormatShortest(high)));
  }
  return true;
}

Result<bool> SelectK::CheckRatio(double low, double high, bool any_nan) {
  if (low == 0 && high == 0) return false;
  if (any_nan) return Fail(ErrorCode::kExecution, "Ratio value is NaN");
  const PositionRange where = UnwrapParens(*expr_.param).position;
  Annotator& annotations = context().main().annotations();
  if (high > 1) annotations.InvalidRatio(high, 1, where, expr_.position);
  if (low < -1) annotations.InvalidRatio(low, -1, where, expr_.position);
  return true;
}

// By step: how many of the group's samples to choose.
std::vector<size_t> SelectK::CountsFor(const SeriesGroup& group) const {
  std::vector<size_t> counts(steps(), 0);
  const auto most = static_cast<double>(group.members.size());
  for (size_t step = 0; step < steps(); ++step) {
    const double k = parameters_.values[step];
    if (k >= 1) counts[step] = static_cast<size_t>(std::min(k, most));
  }
  return counts;
}

Status SelectK::SelectFrom(const SeriesGroup& group) {
  if (ranked()) return SelectRanked(group);
  return expr_.op == AggregateOp::kLimitRatio ? SelectByRatio(group) : SelectFirst(group);
}

// A step that asks for nothing does not look at histograms, and tells nothing of them.
void SelectK::EraseUnasked(const std::vector<size_t>& counts, Column& column) {
  for (size_t step = 0; step < column.histograms.size(); ++step) {
    if (counts[step] == 0) column.Erase(step);
  }
}

// The output series come in order of rank when there is one step, which is what an instant query
// shows.
Status SelectK::SelectRanked(const SeriesGroup& group) {
  const std::vector<size_t> counts = CountsFor(group);
  const size_t most = std::accumulate(counts.begin(), counts.end(), size_t{0});
  HeldSamples held(context());
  TRY(held.AddBytes(most * sizeof(RankedValue)));
  RankedHeaps heaps(expr_.op == AggregateOp::kTopK, counts);
  TRY(EvaluateEach(context(), context().main(), *input_, group.members, column_,
                   [&](Lane& lane, size_t i, Column& column) {
                     EraseUnasked(counts, column);
                     IgnoreHistograms(lane, ToString(expr_.op), expr_.position, column);
                     heaps.Offer(column.values, group.members[i]);
                     return lane.Work(steps());
                   }));
  for (uint32_t step = 0; step < steps(); ++step) {
    for (const auto& [value, series] : heaps.Ranking(step)) {
      TRY(AddPoint(series, {step, value, nullptr}));
    }
  }
  return {};
}

// The first k that are there.
Status SelectK::SelectFirst(const SeriesGroup& group) {
  std::vector<size_t> wanted = CountsFor(group);
  const auto take = [&](Lane& lane, size_t i, const Column& column) -> Status {
    for (uint32_t step = 0; step < steps(); ++step) {
      if (wanted[step] == 0 || !column.present(step)) continue;
      --wanted[step];
      TRY(AddPoint(group.members[i], {step, column.values[step], column.shared_histogram(step)}));
    }
    return lane.Work(steps());
  };
  return EvaluateEach(context(), context().main(), *input_, group.members, column_, take);
}

Status SelectK::SelectByRatio(const SeriesGroup& group) {
  const auto take = [&](Lane& lane, size_t i, const Column& column) -> Status {
    const uint32_t member = group.members[i];
    const double offset = RatioOffset(context().naming().Visible(input_->series()[member]));
    for (uint32_t step = 0; step < steps(); ++step) {
      if (!column.present(step)) continue;
      const double ratio = std::clamp(parameters_.values[step], -1.0, 1.0);
      const bool chosen = ratio >= 0 ? offset < ratio : offset >= 1.0 + ratio;
      if (!chosen) continue;
      TRY(AddPoint(member, {step, column.values[step], column.shared_histogram(step)}));
    }
    return lane.Work(steps());
  };
  return EvaluateEach(context(), context().main(), *input_, group.members, column_, take);
}

Status SelectK::AddPoint(uint32_t series, Point point) {
  const auto [entry, is_new] = outputs_.try_emplace(series, series_.size());
  if (is_new) {
    series_.push_back(input_->series()[series]);
    points_.emplace_back();
  }
  points_[entry->second].push_back(std::move(point));
  return held_.Add(1, sizeof(Point));
}

Status SelectK::Compute(Lane&, size_t index, Column& out) {
  out.Reset(steps());
  for (const Point& point : points_[index]) {
    if (point.histogram != nullptr) {
      out.SetHistogram(point.step, point.histogram);
    } else {
      out.values[point.step] = point.value;
    }
  }
  return {};
}

}  // namespace barograph::promql
