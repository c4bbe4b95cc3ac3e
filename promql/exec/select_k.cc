#include "promql/exec/select_k.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "base/model/number.h"
#include "promql/func/math.h"

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

Status SelectK::Open() {
  TRY(parameter_->Open());
  TRY(parameter_->Evaluate(0, parameters_));
  TRY(input_->Open());
  if (!TRY(CheckParameter())) {
    for (size_t i = 0; i < input_->series().size(); ++i) {
      TRY(EvaluateForReports(*input_, i, column_));
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
  const PositionRange where = expr_.param->position;
  if (high > 1) context().annotations().InvalidRatio(high, 1, where);
  if (low < -1) context().annotations().InvalidRatio(low, -1, where);
  return true;
}

size_t SelectK::CountAt(size_t step) const {
  const double k = parameters_.values[step];
  if (!(k >= 1)) return 0;
  return static_cast<size_t>(std::min(k, static_cast<double>(input_->series().size())));
}

// Whether `a` gives way before `b`.
bool SelectK::Before(const Chosen& a, const Chosen& b) const {
  if (std::isnan(a.value)) return true;
  return expr_.op == AggregateOp::kTopK ? a.value < b.value : a.value > b.value;
}

void SelectK::SiftUp(Heap& heap) const {
  size_t child = heap.size() - 1;
  while (child > 0) {
    const size_t parent = (child - 1) / 2;
    if (!Before(heap[child], heap[parent])) break;
    std::swap(heap[child], heap[parent]);
    child = parent;
  }
}

void SelectK::SiftDown(Heap& heap) const {
  size_t parent = 0;
  while (true) {
    size_t child = 2 * parent + 1;
    if (child >= heap.size()) break;
    if (child + 1 < heap.size() && Before(heap[child + 1], heap[child])) ++child;
    if (!Before(heap[child], heap[parent])) break;
    std::swap(heap[child], heap[parent]);
    parent = child;
  }
}

Status SelectK::SelectFrom(const SeriesGroup& group) {
  std::vector<Heap> heaps(steps());
  for (const uint32_t member : group.members) {
    TRY(input_->Evaluate(member, column_));
    TRY(context().Work(4 * steps()));
    if (ranked()) IgnoreHistograms(context(), ToString(expr_.op), expr_.position, column_);
    Offer(column_, member, heaps);
  }
  size_t chosen = 0;
  for (const Heap& heap : heaps) chosen += heap.size();
  TRY(held_.Add(chosen));
  Take(heaps);
  return {};
}

void SelectK::Offer(const Column& column, uint32_t series, std::vector<Heap>& heaps) const {
  const bool by_ratio = expr_.op == AggregateOp::kLimitRatio;
  const double offset =
      by_ratio ? RatioOffset(context().naming().Visible(input_->series()[series])) : 0;
  for (size_t step = 0; step < steps(); ++step) {
    if (!column.present(step)) continue;
    const auto histogram = column.histograms.empty() ? nullptr : column.histograms[step];
    if (by_ratio) {
      const double ratio = std::clamp(parameters_.values[step], -1.0, 1.0);
      const bool chosen = ratio >= 0 ? offset < ratio : offset >= 1.0 + ratio;
      if (chosen) heaps[step].push_back({column.values[step], series, histogram});
      continue;
    }
    const size_t k = CountAt(step);
    if (ranked()) {
      OfferRanked(heaps[step], {column.values[step], series, nullptr}, k);
    } else if (heaps[step].size() < k) {
      heaps[step].push_back({column.values[step], series, histogram});
    }
  }
}

void SelectK::OfferRanked(Heap& heap, Chosen candidate, size_t k) const {
  if (heap.size() < k) {
    heap.push_back(std::move(candidate));
    SiftUp(heap);
    return;
  }
  if (k == 0) return;
  const double top = heap[0].value;
  const bool better = expr_.op == AggregateOp::kTopK ? top < candidate.value  //
                                                     : top > candidate.value;
  if (!better && !(std::isnan(top) && !std::isnan(candidate.value))) return;
  heap[0] = std::move(candidate);
  SiftDown(heap);
}

// The output series of a group: in order of rank when there is one step, which is what an instant
// query shows.
void SelectK::Take(std::vector<Heap>& heaps) {
  std::unordered_map<uint32_t, size_t> outputs;
  for (size_t step = 0; step < heaps.size(); ++step) {
    Heap& heap = heaps[step];
    if (ranked()) {
      std::sort(heap.begin(), heap.end(), [&](const Chosen& a, const Chosen& b) {
        if (a.value == b.value || (std::isnan(a.value) && std::isnan(b.value))) {
          return a.series < b.series;
        }
        return std::isnan(b.value) || (!std::isnan(a.value) && Before(b, a));
      });
    }
    for (Chosen& chosen : heap) {
      const auto [entry, is_new] = outputs.try_emplace(chosen.series, series_.size());
      if (is_new) {
        series_.push_back(input_->series()[chosen.series]);
        points_.emplace_back();
      }
      points_[entry->second].push_back(
          {static_cast<uint32_t>(step), chosen.value, std::move(chosen.histogram)});
    }
  }
}

Status SelectK::Evaluate(size_t index, Column& out) {
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
