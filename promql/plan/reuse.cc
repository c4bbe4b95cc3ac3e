#include "promql/plan/reuse.h"

#include <algorithm>
#include <array>

#include "promql/func/binary.h"
#include "promql/func/math.h"
#include "promql/func/native_histogram.h"
#include "promql/func/range_function.h"
#include "promql/parse/functions.h"
#include "promql/plan/invariance.h"

namespace barograph::promql {
namespace {

bool IsPlain(const TimeModifiers& time) {
  return std::holds_alternative<std::monostate>(time.at) && time.offset_expr == nullptr;
}

bool IsPlain(const VectorSelector& selector) {
  return IsPlain(selector.time) && !selector.anchored && !selector.smoothed;
}

// Whether the text says nothing of the query's own times. A plan has them folded.
bool IsTimeless(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kNumber:
    case ExprKind::kString: return true;
    case ExprKind::kDuration: return false;
    case ExprKind::kVectorSelector: return IsPlain(As<VectorSelector>(expr));
    case ExprKind::kMatrixSelector: {
      const auto& matrix = As<MatrixSelector>(expr);
      return matrix.range_expr == nullptr && IsPlain(*matrix.vector);
    }
    case ExprKind::kSubquery: {
      const auto& subquery = As<SubqueryExpr>(expr);
      return subquery.range_expr == nullptr && subquery.step_expr == nullptr &&
             IsPlain(subquery.time) && IsTimeless(*subquery.expr);
    }
    case ExprKind::kAggregate: {
      const auto& aggregate = As<AggregateExpr>(expr);
      return IsTimeless(*aggregate.expr) &&
             (aggregate.param == nullptr || IsTimeless(*aggregate.param));
    }
    case ExprKind::kBinary:
      return IsTimeless(*As<BinaryExpr>(expr).lhs) && IsTimeless(*As<BinaryExpr>(expr).rhs);
    case ExprKind::kUnary: return IsTimeless(*As<UnaryExpr>(expr).expr);
    case ExprKind::kParen: return IsTimeless(*As<ParenExpr>(expr).expr);
    case ExprKind::kCall: {
      const auto& call = As<Call>(expr);
      return !IsQueryContextFunction(call.function->name) &&
             std::ranges::all_of(call.args, [](const ExprPtr& arg) { return IsTimeless(*arg); });
    }
  }
  return false;
}

// Functions whose additions come in another order where windows slide, or that need not tell 0
// from -0.
bool SlidesInexactly(std::string_view function) {
  static constexpr std::array<std::string_view, 8> kNames = {
      "avg_over_time",      "deriv",
      "mad_over_time",      "predict_linear",
      "quantile_over_time", "stddev_over_time",
      "sum_over_time",      "stdvar_over_time",
  };
  return std::ranges::find(kNames, function) != kNames.end();
}

// Whether the result does not depend on the order of the series.
bool IgnoresOrder(AggregateOp op) {
  return op == AggregateOp::kCount || op == AggregateOp::kGroup ||
         op == AggregateOp::kCountValues || op == AggregateOp::kLimitRatio;
}

bool KeepsSeries(AggregateOp op) {
  return op == AggregateOp::kTopK || op == AggregateOp::kBottomK || op == AggregateOp::kLimitK ||
         op == AggregateOp::kLimitRatio;
}

bool HasName(const std::vector<std::string>& labels) {
  return std::ranges::find(labels, kMetricName) != labels.end();
}

bool IsScalar(const PlanNode& node) { return TypeOf(*node.expr) == ValueType::kScalar; }

// What is known of the series that a node gives.
struct SeriesOrder {
  bool fixed = false;     // which of two comes first does not depend on the others
  bool one_name = false;  // they stay different without their names

  // Once names are dropped: series that became the same are where the first of them was.
  SeriesOrder WithoutNames() const { return {fixed && one_name, true}; }
};
constexpr SeriesOrder kOneSeries{.fixed = true, .one_name = true};

class ReachFinder {
 public:
  explicit ReachFinder(Duration lookback) : lookback_ms_(lookback.count()) {}

  // `at`: the times, from a step on, at which the node is evaluated for it. nullopt: not certain.
  std::optional<SeriesOrder> Visit(const PlanNode& node, StepReach at) {
    switch (node.kind) {
      case PlanKind::kConstant:
      case PlanKind::kString: return kOneSeries;
      case PlanKind::kSelector: return VisitSelector(node, at, lookback_ms_);
      case PlanKind::kMatrix: return VisitSelector(node, at, node.range_ms);
      case PlanKind::kSubquery:
        return Visit(*node.inputs[0], {at.from_ms - node.shift.offset_ms - node.range_ms,
                                       at.to_ms - node.shift.offset_ms});
      case PlanKind::kCall: return VisitCall(node, at);
      case PlanKind::kAggregate: return VisitAggregate(node, at);
      case PlanKind::kBinary: return VisitBinary(node, at);
      case PlanKind::kRepeat: return Visit(*node.inputs[0], at);
      case PlanKind::kNegate:
        if (const auto input = Visit(*node.inputs[0], at)) return input->WithoutNames();
        return std::nullopt;
    }
    return std::nullopt;
  }

  const std::optional<StepReach>& reach() const { return reach_; }

 private:
  std::optional<SeriesOrder> VisitSelector(const PlanNode& node, StepReach at, int64_t before_ms) {
    const StepReach own{at.from_ms - node.shift.offset_ms - before_ms,
                        at.to_ms - node.shift.offset_ms};
    if (!reach_) reach_ = own;
    reach_->from_ms = std::min(reach_->from_ms, own.from_ms);
    reach_->to_ms = std::max(reach_->to_ms, own.to_ms);
    const VectorSelector& selector = node.kind == PlanKind::kMatrix
                                         ? *As<MatrixSelector>(*node.expr).vector
                                         : As<VectorSelector>(*node.expr);
    const bool one_name = std::ranges::any_of(selector.matchers, [](const Matcher& matcher) {
      return matcher.type() == MatchType::kEqual && matcher.name() == kMetricName;
    });
    return SeriesOrder{.fixed = true, .one_name = one_name};
  }

  // What is known of the input that is not a scalar; one series where there is none.
  std::optional<SeriesOrder> VisitInputs(const PlanNode& node, StepReach at) {
    SeriesOrder vector = kOneSeries;
    for (const PlanNodePtr& input : node.inputs) {
      const auto order = Visit(*input, at);
      if (!order) return std::nullopt;
      const bool is_text = input->kind == PlanKind::kString;
      if (!is_text && !IsScalar(*input)) vector = *order;
    }
    return vector;
  }

  std::optional<SeriesOrder> VisitCall(const PlanNode& node, StepReach at) {
    const std::string_view name = As<Call>(*node.expr).function->name;
    if (name == "info" || name.starts_with("sort")) return std::nullopt;
    const auto input = VisitInputs(node, at);
    if (!input) return std::nullopt;
    if (name.starts_with("absent") || IsScalar(node) || name == "vector") return kOneSeries;
    if (const RangeFunction* function = FindRangeFunction(name)) {
      return AfterRange(node, *function, *input);
    }
    if (name == "label_replace" || name == "label_join") return SeriesOrder{};
    // Buckets are in the order of their bounds.
    if (name == "histogram_quantile" || name == "histogram_fraction") {
      return input->one_name ? std::optional(SeriesOrder{.fixed = false, .one_name = true})
                             : std::nullopt;
    }
    const bool one_by_one = FindMapFunction(name) != nullptr ||
                            FindHistogramFunction(name) != nullptr || name == "timestamp";
    return one_by_one ? std::optional(input->WithoutNames()) : std::nullopt;
  }

  static std::optional<SeriesOrder> AfterRange(const PlanNode& node, const RangeFunction& function,
                                               SeriesOrder input) {
    const bool overlap = std::ranges::any_of(
        node.inputs, [&](const PlanNodePtr& range) { return range->range_ms > node.grid.step_ms; });
    if (overlap && SlidesInexactly(function.name)) return std::nullopt;
    if (function.keeps_name) return input;
    return input.one_name ? std::optional(input) : std::nullopt;
  }

  std::optional<SeriesOrder> VisitAggregate(const PlanNode& node, StepReach at) {
    const auto& aggregate = As<AggregateExpr>(*node.expr);
    const auto input = Visit(*node.inputs[0], at);
    if (!input) return std::nullopt;
    if (node.inputs.size() > 1 && !Visit(*node.inputs[1], at)) return std::nullopt;
    if (!input->fixed && !IgnoresOrder(aggregate.op)) return std::nullopt;
    // What ranks first, or is of the first group, comes first.
    if (KeepsSeries(aggregate.op)) return SeriesOrder{.fixed = false, .one_name = input->one_name};
    const bool one_group = aggregate.grouping.empty() && !aggregate.without;
    return SeriesOrder{.fixed = one_group && aggregate.op != AggregateOp::kCountValues,
                       .one_name = aggregate.without || !HasName(aggregate.grouping)};
  }

  std::optional<SeriesOrder> VisitBinary(const PlanNode& node, StepReach at) {
    const auto& binary = As<BinaryExpr>(*node.expr);
    const PlanNode& left = *node.inputs[0];
    const PlanNode& right = *node.inputs[1];
    const auto lhs = Visit(left, at);
    const auto rhs = Visit(right, at);
    if (!lhs || !rhs) return std::nullopt;
    const bool drops_names = ChangesMeaning(binary.op) || binary.return_bool;
    if (IsScalar(left) && IsScalar(right)) return kOneSeries;
    if (IsScalar(left) || IsScalar(right)) {
      const SeriesOrder& vector = IsScalar(left) ? *rhs : *lhs;
      return drops_names ? vector.WithoutNames() : vector;
    }
    if (binary.op == BinaryOp::kAnd || binary.op == BinaryOp::kUnless) return *lhs;
    const VectorMatching& matching = *binary.matching;
    const bool whole_labels = matching.labels.empty() && !matching.on;
    const bool plain = matching.card == VectorCardinality::kOneToOne && whole_labels &&
                       !matching.fill_left && !matching.fill_right;
    // One to one by all labels, results are in the order of the left side.
    if (plain && binary.op != BinaryOp::kOr && drops_names) return lhs->WithoutNames();
    return SeriesOrder{};
  }

  const int64_t lookback_ms_;
  std::optional<StepReach> reach_;
};

}  // namespace

std::optional<StepReach> FindReach(const Expr& expr, const Plan& plan, Duration lookback) {
  if (!IsTimeless(expr)) return std::nullopt;
  ReachFinder finder(lookback);
  if (!finder.Visit(*plan.root, {})) return std::nullopt;
  return finder.reach();
}

}  // namespace barograph::promql
