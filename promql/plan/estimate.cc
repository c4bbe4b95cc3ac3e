#include "promql/plan/estimate.h"

#include <fmt/format.h>

#include <algorithm>

namespace barograph::promql {
namespace {

class Describer {
 public:
  Describer(std::string_view query, const std::vector<SelectionEstimate>& selections)
      : query_(query), selections_(selections) {}

  // The series of the node.
  std::optional<uint64_t> Add(const PlanNode& node, size_t depth) {
    const size_t index = lines_.size();
    lines_.push_back({.depth = depth,
                      .kind = std::string(KindName(node.kind)),
                      .text = TextOf(node),
                      .steps = node.grid.count,
                      .series = {},
                      .samples = {}});
    std::optional<uint64_t> series;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const auto input = Add(*node.inputs[i], depth + 1);
      if (TypeOf(*node.inputs[i]->expr) != ValueType::kScalar) series = input;
    }
    const bool selects = node.kind == PlanKind::kSelector || node.kind == PlanKind::kMatrix;
    if (selects && !selections_.empty()) {
      series = selections_[node.selection].series;
      lines_[index].samples = selections_[node.selection].samples;
    }
    if (TypeOf(*node.expr) == ValueType::kScalar) series = 1;
    if (node.kind == PlanKind::kAggregate) series = SeriesOf(As<AggregateExpr>(*node.expr));
    if (node.kind == PlanKind::kBinary && node.inputs.size() == 2 && HasTwoVectors(node)) {
      series.reset();
    }
    lines_[index].series = series;
    return series;
  }

  std::vector<PlanLine> Take() { return std::move(lines_); }

 private:
  // How many groups there are depends on the labels.
  static std::optional<uint64_t> SeriesOf(const AggregateExpr& aggregate) {
    const bool one_group = aggregate.grouping.empty() && !aggregate.without;
    const bool one_each =
        aggregate.op != AggregateOp::kTopK && aggregate.op != AggregateOp::kBottomK &&
        aggregate.op != AggregateOp::kCountValues && aggregate.op != AggregateOp::kLimitK &&
        aggregate.op != AggregateOp::kLimitRatio;
    return one_group && one_each ? std::optional<uint64_t>(1) : std::nullopt;
  }

  static bool HasTwoVectors(const PlanNode& node) {
    return std::ranges::all_of(node.inputs, [](const PlanNodePtr& input) {
      return TypeOf(*input->expr) == ValueType::kVector;
    });
  }

  std::string TextOf(const PlanNode& node) const {
    const PositionRange where = node.expr->position;
    const auto start = static_cast<size_t>(std::max(where.start, 0));
    if (start >= query_.size()) return "";
    return std::string(query_.substr(start, static_cast<size_t>(where.end) - start));
  }

  std::string_view query_;
  const std::vector<SelectionEstimate>& selections_;
  std::vector<PlanLine> lines_;
};

}  // namespace

Result<SelectionEstimate> EstimateSelection(const Queryable& storage, const SelectionSpec& spec,
                                            std::stop_token stop) {
  const auto selection =
      TRY(storage.Select(spec.range, spec.matchers, spec.hints, std::move(stop)));
  SelectionEstimate estimate{selection->size(), 0};
  if (estimate.series == 0) return estimate;
  const auto cursor = selection->NewCursor();
  estimate.samples = estimate.series * TRY(cursor->Read(0)).size();
  return estimate;
}

std::vector<PlanLine> DescribePlan(const Plan& plan, std::string_view query,
                                   const std::vector<SelectionEstimate>& selections) {
  Describer describer(query, selections);
  describer.Add(*plan.root, 0);
  return describer.Take();
}

std::string FormatPlan(const std::vector<PlanLine>& lines) {
  std::string out;
  for (const PlanLine& line : lines) {
    out +=
        fmt::format("{:{}}{} {}  ({} steps", "", 2 * line.depth, line.kind, line.text, line.steps);
    if (line.series.has_value()) out += fmt::format(", {} series", *line.series);
    if (line.samples.has_value()) out += fmt::format(", about {} samples", *line.samples);
    out += ")\n";
  }
  return out;
}

}  // namespace barograph::promql
