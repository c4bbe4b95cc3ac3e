#include "promql/exec/build.h"

#include <fmt/format.h>

#include <algorithm>

#include "promql/exec/aggregate.h"
#include "promql/exec/histogram_call.h"
#include "promql/exec/info_join.h"
#include "promql/exec/instant_selector.h"
#include "promql/exec/leaf.h"
#include "promql/exec/map.h"
#include "promql/exec/merge_duplicates.h"
#include "promql/exec/range_call.h"
#include "promql/exec/relabel_call.h"
#include "promql/exec/scalar_binary.h"
#include "promql/exec/select_k.h"
#include "promql/exec/set_operator.h"
#include "promql/exec/sort.h"
#include "promql/exec/vector_binary.h"
#include "promql/parse/functions.h"
#include "promql/parse/selectors.h"

namespace barograph::promql {
namespace {

const VectorSelector& SelectorOf(const PlanNode& node) {
  if (node.kind == PlanKind::kMatrix) return *As<MatrixSelector>(*node.expr).vector;
  return As<VectorSelector>(*node.expr);
}

bool IsScalar(const PlanNode& node) { return TypeOf(*node.expr) == ValueType::kScalar; }

// Whether an argument is written as a selector: the plan has none of the signs before one.
bool IsSelector(const Expr& argument) {
  return UnwrapParens(argument).kind == ExprKind::kVectorSelector;
}

// What is made of the native histograms of the selectors below a node. Where only counts and sums
// are asked for, their buckets need not be carried along. As in Prometheus, an operator between the
// function that asks and the selector then sees counts and sums, too, but where it trims.
struct HistogramUse {
  bool totals = false;
  bool buckets = false;

  void Enter(const PlanNode& node) {
    if (node.kind == PlanKind::kCall) {
      const std::string_view name = As<Call>(*node.expr).function->name;
      totals |= name == "histogram_count" || name == "histogram_sum" || name == "histogram_avg";
      buckets |= name.starts_with("histogram_quantile") || name == "histogram_fraction";
    } else if (node.kind == PlanKind::kBinary) {
      buckets |= IsTrim(As<BinaryExpr>(*node.expr).op);
    }
  }
  bool totals_only() const { return totals && !buckets; }
};

class Builder {
 public:
  Builder(QueryContext& context, const BuildOptions& options)
      : context_(context), options_(options) {}

  Result<OperatorPtr> Build(const PlanNode& node) {
    const HistogramUse outer = histogram_use_;
    histogram_use_.Enter(node);
    auto built = BuildNode(node);
    histogram_use_ = outer;
    return built;
  }

  Result<OperatorPtr> BuildCounted(const PlanNode& node, CountedFor counted_for) {
    const CountedFor outer = context_.SetCountedFor(counted_for);
    auto built = Build(node);
    context_.SetCountedFor(outer);
    return built;
  }

  Result<OperatorPtr> BuildNode(const PlanNode& node) {
    switch (node.kind) {
      case PlanKind::kConstant:
        return OperatorPtr(new Constant(context_, node.grid, node.constant));
      case PlanKind::kSelector: return BuildSelector(node, SampleField::kValue);
      case PlanKind::kCall: return BuildCall(node);
      case PlanKind::kAggregate: return BuildAggregate(node);
      case PlanKind::kBinary: return BuildBinary(node);
      case PlanKind::kNegate: {
        OperatorPtr input = TRY(Build(*node.inputs[0]));
        OperatorPtr negate = std::make_unique<Negate>(context_, std::move(input));
        return Unique(std::move(negate), *node.inputs[0], Duplicates::kMayAlternate);
      }
      case PlanKind::kRepeat: {
        const CountedFor outer = context_.counted_for();
        const bool is_own = outer == CountedFor::kOwnSteps;
        OperatorPtr input =
            TRY(BuildCounted(*node.inputs[0], is_own ? CountedFor::kEveryStep : outer));
        return OperatorPtr(new Repeat(context_, node.grid, std::move(input)));
      }
      case PlanKind::kString:
      case PlanKind::kMatrix:
      case PlanKind::kSubquery: break;
    }
    return Fail(ErrorCode::kInternal, "not a scalar or an instant vector");
  }

  // `counted_for`: the samples that a subquery is made of.
  Result<RangeSourcePtr> BuildSource(const PlanNode& node, CountedFor counted_for) {
    std::string text(TextOf(node));
    if (node.kind == PlanKind::kMatrix) {
      return RangeSourcePtr(new SelectorSource(context_, node.selection, std::move(text),
                                               histogram_use_.totals_only()));
    }
    const HistogramUse outer = histogram_use_;
    histogram_use_.buckets = true;  // its steps may skip counter resets
    auto input = BuildCounted(*node.inputs[0], counted_for);
    histogram_use_ = outer;
    if (!input.has_value()) return std::unexpected(input.error());
    return RangeSourcePtr(new SubquerySource(context_, std::move(*input), std::move(text)));
  }

 private:
  std::string_view TextOf(const PlanNode& node) const {
    const PositionRange where = node.expr->position;
    const auto start = static_cast<size_t>(std::max(where.start, 0));
    if (start >= options_.query.size()) return "";
    return options_.query.substr(start, static_cast<size_t>(where.end) - start);
  }

  // `made` dropped the names of its input's series: they may be the same now.
  OperatorPtr Unique(OperatorPtr made, const PlanNode& input, Duplicates duplicates) const {
    if (context_.naming().delayed || StaysUnique(input)) return made;
    return Merge(std::move(made), duplicates);
  }

  OperatorPtr Merge(OperatorPtr made, Duplicates duplicates) const {
    return std::make_unique<MergeDuplicates>(context_, std::move(made), duplicates);
  }

  // Whether the series of a node differ in more than their names, as far as the plan tells.
  bool StaysUnique(const PlanNode& node) const {
    switch (node.kind) {
      case PlanKind::kConstant: return true;
      case PlanKind::kSelector:
      case PlanKind::kMatrix: return HasOneName(SelectorOf(node).matchers);
      case PlanKind::kSubquery:
      case PlanKind::kRepeat: return StaysUnique(*node.inputs[0]);
      case PlanKind::kAggregate: {
        const auto& aggregate = As<AggregateExpr>(*node.expr);
        return MakeFold(aggregate.op) != nullptr &&
               std::ranges::find(aggregate.grouping, kMetricName) == aggregate.grouping.end();
      }
      case PlanKind::kNegate: return true;
      case PlanKind::kCall: {
        const RangeFunction* function = FindRangeFunction(As<Call>(*node.expr).function->name);
        return function != nullptr && !function->keeps_name;
      }
      default: return false;
    }
  }

  Result<OperatorPtr> BuildSelector(const PlanNode& node, SampleField field) {
    auto source = std::make_unique<SelectorSource>(
        context_, node.selection, std::string(TextOf(node)), histogram_use_.totals_only());
    const int64_t lookback_ms = options_.lookback.count();
    const WindowSpec windows{node.grid, node.shift, lookback_ms, 0};
    if (!SelectorOf(node).smoothed || field != SampleField::kValue) {
      return OperatorPtr(new InstantSelector(context_, std::move(source), windows, field));
    }
    // The samples at both ends of the lookback count, and one at its very start as well.
    const WindowSpec around{node.grid, node.shift, lookback_ms, lookback_ms};
    return OperatorPtr(
        new SmoothedSelector(context_, std::move(source), around, node.expr->position));
  }

  Result<std::vector<OperatorPtr>> BuildScalars(const PlanNode& node, size_t except) {
    std::vector<OperatorPtr> scalars;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (i != except) scalars.push_back(TRY(Build(*node.inputs[i])));
    }
    return scalars;
  }

  Result<OperatorPtr> BuildCall(const PlanNode& node) {
    const std::string_view name = As<Call>(*node.expr).function->name;
    if (const RangeFunction* function = FindRangeFunction(name)) {
      return BuildRangeCall(node, *function);
    }
    if (name == "timestamp" && node.inputs[0]->kind == PlanKind::kSelector &&
        IsSelector(*As<Call>(*node.expr).args[0])) {
      OperatorPtr times = TRY(BuildSelector(*node.inputs[0], SampleField::kTimestamp));
      return Unique(std::move(times), *node.inputs[0], Duplicates::kMayAlternate);
    }
    if (name == "start_timestamp") return BuildStartTimestamp(node);
    if (const MapFunction* function = FindMapFunction(name)) return BuildMap(node, *function);
    if (name == "time") return OperatorPtr(new EvaluationTime(context_, node.grid));
    if (name == "vector") return Build(*node.inputs[0]);
    if (name == "scalar") {
      OperatorPtr input = TRY(Build(*node.inputs[0]));
      return OperatorPtr(new ToScalar(context_, std::move(input)));
    }
    if (name == "absent") return BuildAbsent(node, TRY(Build(*node.inputs[0])));
    if (name == "max_of" || name == "min_of") {
      OperatorPtr lhs = TRY(Build(*node.inputs[0]));
      OperatorPtr rhs = TRY(Build(*node.inputs[1]));
      return OperatorPtr(
          new ScalarExtreme(context_, name == "max_of", std::move(lhs), std::move(rhs)));
    }
    if (name.starts_with("sort")) return BuildSort(node);
    if (name == "label_replace" || name == "label_join") return BuildRelabel(node);
    if (name == "histogram_quantile" || name == "histogram_fraction") return BuildHistogram(node);
    if (name == "histogram_quantiles") return BuildQuantiles(node);
    if (name == "info") return BuildInfo(node);
    if (const HistogramFunction function = FindHistogramFunction(name)) {
      OperatorPtr input = TRY(Build(*node.inputs[0]));
      OperatorPtr map = std::make_unique<HistogramMap>(context_, name, function, std::move(input));
      return Unique(std::move(map), *node.inputs[0], Duplicates::kMayAlternate);
    }
    return Fail(ErrorCode::kExecution, fmt::format("function {} is not implemented", name));
  }

  // Samples that are computed have no start, and none has where the feature is off.
  Result<OperatorPtr> BuildStartTimestamp(const PlanNode& node) {
    const PlanNode& input = *node.inputs[0];
    if (input.kind == PlanKind::kSelector && input.start_timestamps) {
      OperatorPtr starts = TRY(BuildSelector(input, SampleField::kStartTimestamp));
      return Unique(std::move(starts), input, Duplicates::kMayAlternate);
    }
    const bool is_selector =
        input.kind == PlanKind::kSelector && IsSelector(*As<Call>(*node.expr).args[0]);
    OperatorPtr evaluated =
        TRY(is_selector ? BuildSelector(input, SampleField::kTimestamp) : Build(input));
    return OperatorPtr(new NoSamples(context_, "start_timestamp", std::move(evaluated)));
  }

  // Prometheus puts the samples of a subquery in its place, and these stand nowhere: at the start.
  static PositionRange ArgumentPosition(const PlanNode& node, size_t index) {
    const Expr& argument = UnwrapParens(*As<Call>(*node.expr).args[index]);
    return argument.kind == ExprKind::kSubquery ? PositionRange{} : argument.position;
  }

  static const std::string& StringArgument(const PlanNode& node, size_t index) {
    return As<StringLiteral>(*node.inputs[index]->expr).value;
  }

  static std::vector<std::string> StringArguments(const PlanNode& node, size_t first) {
    std::vector<std::string> strings;
    for (size_t i = first; i < node.inputs.size(); ++i) strings.push_back(StringArgument(node, i));
    return strings;
  }

  Result<OperatorPtr> BuildRangeCall(const PlanNode& node, const RangeFunction& function) {
    const auto is_range = [](const PlanNodePtr& input) {
      return input->kind == PlanKind::kMatrix || input->kind == PlanKind::kSubquery;
    };
    const auto found = std::ranges::find_if(node.inputs, is_range);
    if (found == node.inputs.end()) return Fail(ErrorCode::kInternal, "no range vector");
    const PlanNode& range = **found;

    RangeCall::Description description;
    description.function = &function;
    description.kernels = TRY(ChooseKernels(function, range));
    description.windows = RangeWindows(range, options_);
    description.windows.grid = node.grid;
    description.range_ms = range.range_ms;
    description.use_starts = range.start_timestamps;
    description.argument = ArgumentPosition(node, 0);
    RangeSourcePtr source = TRY(BuildSource(range, CountedFor::kNone));
    auto scalars = TRY(BuildScalars(node, static_cast<size_t>(found - node.inputs.begin())));
    OperatorPtr call =
        std::make_unique<RangeCall>(context_, description, std::move(source), std::move(scalars));
    if (function.name == "absent_over_time") return BuildAbsent(node, std::move(call));
    if (function.keeps_name) return call;
    return Unique(std::move(call), range, Duplicates::kAreErrors);
  }

  static Result<RangeKernels> ChooseKernels(const RangeFunction& function, const PlanNode& range) {
    if (range.kind != PlanKind::kMatrix) return function.kernels;
    const VectorSelector& selector = SelectorOf(range);
    const RangeKernels& kernels = function.KernelsFor(selector);
    if (kernels) return kernels;
    return Fail(ErrorCode::kExecution,
                fmt::format("{} modifier can only be used with: {} - not with {}",
                            selector.anchored ? "anchored" : "smoothed",
                            NamesWithModifier(!selector.anchored), function.name));
  }

  Result<OperatorPtr> BuildMap(const PlanNode& node, const MapFunction& function) {
    if (node.inputs.empty()) {  // a date function of the step's own time
      OperatorPtr time = std::make_unique<EvaluationTime>(context_, node.grid);
      return OperatorPtr(new Map(context_, function, std::move(time), {}));
    }
    OperatorPtr input = TRY(Build(*node.inputs[0]));
    auto scalars = TRY(BuildScalars(node, 0));
    OperatorPtr map =
        std::make_unique<Map>(context_, function, std::move(input), std::move(scalars));
    return Unique(std::move(map), *node.inputs[0], Duplicates::kMayAlternate);
  }

  // The labels that the selector asks for with = and nothing else contradicts.
  static Labels AbsentLabels(const Expr& argument) {
    const VectorSelector* selector = nullptr;
    if (argument.kind == ExprKind::kVectorSelector) selector = &As<VectorSelector>(argument);
    if (argument.kind == ExprKind::kMatrixSelector) {
      selector = As<MatrixSelector>(argument).vector.get();
    }
    if (selector == nullptr) return {};
    LabelsBuilder labels;
    std::vector<std::string_view> seen;
    for (const Matcher& matcher : selector->matchers) {
      if (matcher.name() == kMetricName) continue;
      const bool again = std::ranges::find(seen, matcher.name()) != seen.end();
      if (matcher.type() == MatchType::kEqual && !again) {
        labels.Set(matcher.name(), matcher.value());
        seen.push_back(matcher.name());
      } else {
        labels.Delete(matcher.name());
      }
    }
    return labels.Build();
  }

  Result<OperatorPtr> BuildAbsent(const PlanNode& node, OperatorPtr input) {
    const auto& call = As<Call>(*node.expr);
    return OperatorPtr(new Absent(context_, call.function->name, std::move(input),
                                  AbsentLabels(UnwrapParens(*call.args[0]))));
  }

  Result<OperatorPtr> BuildSort(const PlanNode& node) {
    Sort::Order order;
    order.function = As<Call>(*node.expr).function->name;
    order.by_label = order.function.starts_with("sort_by_label");
    order.descending = order.function.ends_with("_desc");
    order.labels = StringArguments(node, 1);
    order.position = node.expr->position;
    OperatorPtr input = TRY(Build(*node.inputs[0]));
    return OperatorPtr(new Sort(context_, std::move(order), std::move(input)));
  }

  Result<OperatorPtr> BuildRelabel(const PlanNode& node) {
    OperatorPtr input = TRY(Build(*node.inputs[0]));
    OperatorPtr made;
    if (As<Call>(*node.expr).function->name == "label_replace") {
      made = TRY(LabelReplace::Make(context_,
                                    {StringArgument(node, 1), StringArgument(node, 2),
                                     StringArgument(node, 3), StringArgument(node, 4)},
                                    std::move(input)));
    } else {
      made = TRY(LabelJoin::Make(
          context_, {StringArgument(node, 1), StringArgument(node, 2), StringArguments(node, 3)},
          std::move(input)));
    }
    return Merge(std::move(made), Duplicates::kMayAlternate);
  }

  Result<OperatorPtr> BuildInfo(const PlanNode& node) {
    InfoMatchers matchers = TRY(FindInfoMatchers(As<Call>(*node.expr)));
    OperatorPtr base = TRY(Build(*node.inputs[0]));
    const PlanNode& infos = *node.inputs[1];
    auto source =
        std::make_unique<SelectorSource>(context_, infos.selection, "info metrics", false);
    const WindowSpec windows{infos.grid, infos.shift, options_.lookback.count(), 0};
    OperatorPtr times = std::make_unique<InstantSelector>(context_, std::move(source), windows,
                                                          SampleField::kInfoTimestamp);
    OperatorPtr join = std::make_unique<InfoJoin>(context_, std::move(matchers), std::move(base),
                                                  std::move(times));
    return Merge(std::move(join), Duplicates::kMayAlternate);
  }

  Result<OperatorPtr> BuildHistogram(const PlanNode& node) {
    const size_t vector = node.inputs.size() - 1;
    const PositionRange argument = ArgumentPosition(node, vector);
    OperatorPtr input = TRY(Build(*node.inputs[vector]));
    auto scalars = TRY(BuildScalars(node, vector));
    OperatorPtr made;
    if (vector == 1) {
      const std::vector<PositionRange> positions = {ArgumentPosition(node, 0)};
      made = std::make_unique<HistogramQuantile>(context_, "", node.expr->position, positions,
                                                 argument, std::move(input), std::move(scalars));
    } else {
      made = std::make_unique<HistogramFraction>(context_, argument, std::move(input),
                                                 std::move(scalars));
    }
    return Unique(std::move(made), *node.inputs[vector], Duplicates::kMayAlternate);
  }

  Result<OperatorPtr> BuildQuantiles(const PlanNode& node) {
    std::vector<PositionRange> positions;
    std::vector<OperatorPtr> quantiles;
    for (size_t i = 2; i < node.inputs.size(); ++i) {
      positions.push_back(ArgumentPosition(node, i));
      quantiles.push_back(TRY(Build(*node.inputs[i])));
    }
    OperatorPtr input = TRY(Build(*node.inputs[0]));
    OperatorPtr made = std::make_unique<HistogramQuantile>(
        context_, StringArgument(node, 1), node.expr->position, std::move(positions),
        ArgumentPosition(node, 0), std::move(input), std::move(quantiles));
    return Merge(std::move(made), Duplicates::kMayAlternate);
  }

  Result<OperatorPtr> BuildAggregate(const PlanNode& node) {
    const auto& expr = As<AggregateExpr>(*node.expr);
    OperatorPtr input = TRY(Build(*node.inputs[0]));
    if (MakeFold(expr.op) != nullptr) {
      return OperatorPtr(new FoldAggregate(context_, expr, std::move(input)));
    }
    if (expr.op == AggregateOp::kCountValues) {
      return OperatorPtr(new CountValues(context_, expr, std::move(input)));
    }
    OperatorPtr parameter = TRY(Build(*node.inputs[1]));
    if (expr.op == AggregateOp::kQuantile) {
      return OperatorPtr(
          new QuantileAggregate(context_, expr, std::move(parameter), std::move(input)));
    }
    return OperatorPtr(new SelectK(context_, expr, std::move(parameter), std::move(input)));
  }

  Result<OperatorPtr> BuildBinary(const PlanNode& node) {
    const auto& expr = As<BinaryExpr>(*node.expr);
    const PlanNode& left = *node.inputs[0];
    const PlanNode& right = *node.inputs[1];
    OperatorPtr lhs = TRY(Build(left));
    OperatorPtr rhs = TRY(Build(right));
    if (IsScalar(left) || IsScalar(right)) {
      OperatorPtr made = std::make_unique<ScalarBinary>(
          context_, ScalarBinary::Description{expr.op, expr.return_bool, expr.position},
          std::move(lhs), std::move(rhs), IsScalar(left), IsScalar(right));
      const PlanNode& vector = IsScalar(left) ? right : left;
      const bool drops = ChangesMeaning(expr.op) || expr.return_bool;
      return drops ? Unique(std::move(made), vector, Duplicates::kMayAlternate) : std::move(made);
    }
    if (!expr.matching.has_value()) return Fail(ErrorCode::kInternal, "vectors without matching");
    OperatorPtr made;
    if (IsSetOperator(expr.op)) {
      made = std::make_unique<SetOperator>(context_, expr.op, *expr.matching, std::move(lhs),
                                           std::move(rhs));
      if (expr.op != BinaryOp::kOr) return made;
    } else {
      made = std::make_unique<VectorBinary>(context_, expr, std::move(lhs), std::move(rhs));
    }
    return Merge(std::move(made), Duplicates::kMayAlternate);
  }

  QueryContext& context_;
  const BuildOptions& options_;
  HistogramUse histogram_use_;
};

}  // namespace

Result<OperatorPtr> BuildOperators(QueryContext& context, const PlanNode& node,
                                   const BuildOptions& options) {
  return Builder(context, options).Build(node);
}

Result<RangeSourcePtr> BuildRangeSource(QueryContext& context, const PlanNode& node,
                                        const BuildOptions& options) {
  return Builder(context, options).BuildSource(node, CountedFor::kLastStep);
}

WindowSpec RangeWindows(const PlanNode& node, const BuildOptions& options) {
  WindowSpec windows{node.grid, node.shift, node.range_ms, 0};
  if (node.kind != PlanKind::kMatrix) return windows;
  const VectorSelector& selector = SelectorOf(node);
  if (selector.anchored || selector.smoothed) windows.before_ms += options.lookback.count();
  if (selector.smoothed) windows.after_ms = options.lookback.count();
  return windows;
}

}  // namespace barograph::promql
