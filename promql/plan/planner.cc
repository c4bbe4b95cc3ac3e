#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numbers>
#include <optional>

#include "base/model/number.h"
#include "promql/exec/info_join.h"
#include "promql/func/binary.h"
#include "promql/func/fold.h"
#include "promql/func/math.h"
#include "promql/func/range_function.h"
#include "promql/parse/functions.h"
#include "promql/parse/selectors.h"
#include "promql/plan/durations.h"
#include "promql/plan/invariance.h"
#include "promql/plan/plan.h"

namespace barograph::promql {
namespace {

// A tree so deep only comes from a machine, and recursion over it would end the stack.
constexpr int kMaxDepth = 1000;

// Times beyond are clamped, so that offsets and ranges cannot overflow.
constexpr int64_t kFarthestMs = std::numeric_limits<int64_t>::max() / 4;

// Whether an aggregation or function gives the same whatever its input's samples are: it looks at
// where they are.
bool TakesAnyValue(std::string_view function) {
  constexpr std::string_view kFunctions[] = {"absent",
                                             "absent_over_time",
                                             "count",
                                             "count_over_time",
                                             "group",
                                             "present_over_time",
                                             "start_timestamp",
                                             "timestamp",
                                             "ts_of_first_over_time",
                                             "ts_of_last_over_time"};
  return std::ranges::find(kFunctions, function) != std::end(kFunctions);
}

bool GivesOneSeriesAGroup(AggregateOp op) {
  return op == AggregateOp::kQuantile || MakeFold(op) != nullptr;
}

// The selector whose series' labels matter for nothing but the aggregation's groups, beside what
// annotations tell; nullptr where there is none.
const VectorSelector* FindGrouped(const AggregateExpr& aggregate) {
  if (aggregate.without || !GivesOneSeriesAGroup(aggregate.op)) return nullptr;
  const Expr& input = UnwrapParens(*aggregate.expr);
  if (input.kind == ExprKind::kVectorSelector) return &As<VectorSelector>(input);
  if (input.kind != ExprKind::kCall) return nullptr;
  const auto& call = As<Call>(input);
  if (FindRangeFunction(call.function->name) == nullptr) return nullptr;
  for (const ExprPtr& arg : call.args) {
    const Expr& range = UnwrapParens(*arg);
    if (range.kind != ExprKind::kMatrixSelector) continue;
    const VectorSelector* selector = As<MatrixSelector>(range).vector.get();
    // Else series may become the same without their names, which is an error of its own.
    return HasOneName(selector->matchers) ? selector : nullptr;
  }
  return nullptr;
}

class Planner {
 public:
  Planner(const QueryTimes& times, const PlanOptions& options)
      : times_(times), options_(options), durations_{times.step, times.end - times.start} {}

  Result<Plan> Make(const Expr& expr) {
    const bool instant = times_.step.count() <= 0;
    const int64_t step_ms = instant ? 1 : times_.step.count();
    const StepGrid grid =
        TRY(MakeGrid(ToMs(times_.start), instant ? ToMs(times_.start) : ToMs(times_.end), step_ms));
    plan_.root = TRY(Build(expr, grid, ""));
    return std::move(plan_);
  }

 private:
  Result<StepGrid> MakeGrid(int64_t start_ms, int64_t end_ms, int64_t step_ms) const {
    if (end_ms < start_ms) return StepGrid{start_ms, step_ms, 0, false};
    const auto count = static_cast<uint64_t>((end_ms - start_ms) / step_ms) + 1;
    if (count > options_.max_steps) return std::unexpected(TooManySamples());
    return StepGrid{start_ms, step_ms, static_cast<size_t>(count), start_ms == end_ms};
  }

  // `function` is the innermost function or aggregation around, a hint for storage.
  Result<PlanNodePtr> Build(const Expr& wrapped, StepGrid grid, std::string_view function) {
    const Expr& expr = UnwrapParens(wrapped);
    if (++depth_ > kMaxDepth) {
      return Fail(ErrorCode::kLimitExceeded, "expression is nested too deeply");
    }
    const ValueType type = TypeOf(expr);
    const bool is_value = type == ValueType::kScalar || type == ValueType::kVector;
    const bool once = is_value && grid.count > 1 && invariance_.Holds(expr);
    PlanNodePtr node = TRY(BuildNode(expr, once ? grid.First() : grid, function));
    --depth_;
    if (node->kind == PlanKind::kConstant) {
      node->grid = grid;
      return node;
    }
    if (!once) return node;
    PlanNodePtr repeat = NewNode(PlanKind::kRepeat, expr, grid);
    repeat->inputs.push_back(std::move(node));
    return repeat;
  }

  Result<PlanNodePtr> BuildNode(const Expr& expr, StepGrid grid, std::string_view function) {
    switch (expr.kind) {
      case ExprKind::kNumber: return NewConstant(expr, grid, As<NumberLiteral>(expr).value);
      case ExprKind::kString: return NewNode(PlanKind::kString, expr, grid);
      case ExprKind::kVectorSelector:
        return BuildSelector(expr, As<VectorSelector>(expr), grid, Duration(0), function);
      case ExprKind::kMatrixSelector: return BuildMatrix(As<MatrixSelector>(expr), grid, function);
      case ExprKind::kSubquery: return BuildSubquery(As<SubqueryExpr>(expr), grid);
      case ExprKind::kAggregate: return BuildAggregate(As<AggregateExpr>(expr), grid);
      case ExprKind::kBinary: return BuildBinary(As<BinaryExpr>(expr), grid);
      case ExprKind::kUnary: return BuildUnary(As<UnaryExpr>(expr), grid, function);
      case ExprKind::kCall: return BuildCall(As<Call>(expr), grid);
      case ExprKind::kParen:
      case ExprKind::kDuration: break;
    }
    return Fail(ErrorCode::kInternal, "unexpected node in the syntax tree");
  }

  static PlanNodePtr NewNode(PlanKind kind, const Expr& expr, StepGrid grid) {
    auto node = std::make_unique<PlanNode>();
    node->kind = kind;
    node->expr = &expr;
    node->grid = grid;
    return node;
  }

  static PlanNodePtr NewConstant(const Expr& expr, StepGrid grid, double value) {
    PlanNodePtr node = NewNode(PlanKind::kConstant, expr, grid);
    node->constant = value;
    return node;
  }

  Result<Duration> Resolve(Duration plain, const ExprPtr& expr, bool may_be_negative) const {
    if (expr == nullptr) return plain;
    return ResolveDuration(*expr, durations_, may_be_negative);
  }

  Result<TimeShift> ResolveShift(const TimeModifiers& time) const {
    TimeShift shift;
    shift.offset_ms = TRY(Resolve(time.offset, time.offset_expr, true)).count();
    if (const auto* at = std::get_if<Timestamp>(&time.at)) {
      shift.at_ms = std::clamp(ToMs(*at), -kFarthestMs, kFarthestMs);
    }
    if (std::holds_alternative<AtStart>(time.at)) shift.at_ms = ToMs(times_.start);
    if (std::holds_alternative<AtEnd>(time.at)) shift.at_ms = ToMs(times_.end);
    return shift;
  }

  // A vector selector, alone or in a matrix selector with a range.
  Result<PlanNodePtr> BuildSelector(const Expr& expr, const VectorSelector& selector, StepGrid grid,
                                    Duration range, std::string_view function) {
    const bool is_matrix = range.count() > 0;
    PlanNodePtr node = NewNode(is_matrix ? PlanKind::kMatrix : PlanKind::kSelector, expr, grid);
    node->shift = TRY(ResolveShift(selector.time));
    node->range_ms = range.count();
    node->start_timestamps = UsesStartTimestamps(selector, is_matrix, function);
    int64_t before = is_matrix ? range.count() : options_.lookback.count();
    int64_t after = 0;
    if (is_matrix && (selector.anchored || selector.smoothed)) before += options_.lookback.count();
    if (selector.smoothed) after = options_.lookback.count();
    const TimeRange times{FromMs(node->shift.Refer(grid.start_ms) - before + 1),
                          FromMs(node->shift.Refer(grid.last_ms()) + after)};
    SelectHints hints;
    hints.function = function;
    hints.start_timestamps = node->start_timestamps;
    hints.presence_only = !selector.smoothed && !selector.anchored && TakesAnyValue(function);
    if (&selector == grouped_) {
      hints.projected = true;
      hints.projection = projection_;
    }
    node->selection = AddSelection(selector.matchers, times, std::move(hints));
    return node;
  }

  bool UsesStartTimestamps(const VectorSelector& selector, bool is_matrix,
                           std::string_view function) const {
    if (!options_.use_start_timestamps) return false;
    if (!is_matrix) return &selector == timestamp_of_ && function == "start_timestamp";
    const RangeFunction* range_function = FindRangeFunction(function);
    return range_function != nullptr && range_function->KernelsFor(selector).use_starts;
  }

  Result<PlanNodePtr> BuildMatrix(const MatrixSelector& matrix, StepGrid grid,
                                  std::string_view function) {
    const Duration range = TRY(Resolve(matrix.range, matrix.range_expr, false));
    return BuildSelector(matrix, *matrix.vector, grid, range, function);
  }

  static int64_t Length(TimeRange range) { return (range.max - range.min).count() + 1; }

  // A selection is shared where that makes neither user read much more than it needs.
  size_t AddSelection(const Matchers& matchers, TimeRange range, SelectHints hints) {
    for (size_t i = 0; i < plan_.selections.size(); ++i) {
      SelectionSpec& other = plan_.selections[i];
      if (other.matchers != matchers) continue;
      const TimeRange both{std::min(range.min, other.range.min),
                           std::max(range.max, other.range.max)};
      const int64_t shorter = std::min(Length(range), Length(other.range));
      if (Length(both) - shorter > shorter / 4) continue;
      other.range = both;
      if (other.hints.function != hints.function) other.hints.function.clear();
      other.hints.start_timestamps |= hints.start_timestamps;
      other.hints.presence_only &= hints.presence_only;
      other.hints.projected &= hints.projected && other.hints.projection == hints.projection;
      return i;
    }
    plan_.selections.push_back({matchers, range, std::move(hints)});
    return plan_.selections.size() - 1;
  }

  Result<PlanNodePtr> BuildSubquery(const SubqueryExpr& subquery, StepGrid grid) {
    PlanNodePtr node = NewNode(PlanKind::kSubquery, subquery, grid);
    node->shift = TRY(ResolveShift(subquery.time));
    node->range_ms = TRY(Resolve(subquery.range, subquery.range_expr, false)).count();
    Duration step = TRY(Resolve(subquery.step, subquery.step_expr, false));
    if (step.count() <= 0) step = options_.default_subquery_step;
    if (step.count() <= 0) {
      return Fail(ErrorCode::kInvalidArgument, "the default step of subqueries is not positive");
    }
    // Its steps are multiples of its own step, so that they do not move with the query's start.
    const int64_t after_ms = node->shift.Refer(grid.start_ms) - node->range_ms;
    int64_t start_ms = step.count() * (after_ms / step.count());
    if (start_ms <= after_ms) start_ms += step.count();
    const int64_t end_ms = node->shift.Refer(grid.last_ms());
    StepGrid inner = TRY(MakeGrid(start_ms, end_ms, step.count()));
    if (grid.count == 0) inner.count = 0;
    node->inputs.push_back(TRY(Build(*subquery.expr, inner, "")));
    return node;
  }

  Result<PlanNodePtr> BuildAggregate(const AggregateExpr& aggregate, StepGrid grid) {
    PlanNodePtr node = NewNode(PlanKind::kAggregate, aggregate, grid);
    grouped_ = FindGrouped(aggregate);
    if (grouped_ != nullptr) {
      projection_ = aggregate.grouping;
      // Who counts samples as they are has nothing to tell of the name.
      const bool counts = TakesAnyValue(ToString(aggregate.op)) && !grouped_->smoothed &&
                          UnwrapParens(*aggregate.expr).kind == ExprKind::kVectorSelector;
      if (!counts) {
        for (const auto name : {"__name__", "__type__", "__unit__"}) projection_.emplace_back(name);
      }
    }
    node->inputs.push_back(TRY(Build(*aggregate.expr, grid, ToString(aggregate.op))));
    if (aggregate.param != nullptr) {
      node->inputs.push_back(TRY(Build(*aggregate.param, grid, "")));
    }
    return node;
  }

  Result<PlanNodePtr> BuildBinary(const BinaryExpr& binary, StepGrid grid) {
    if (IsTrim(binary.op) && TypeOf(binary) == ValueType::kScalar) {
      return Fail(
          ErrorCode::kExecution,
          fmt::format("operator {} not allowed for Scalar operations", Quote(ToString(binary.op))));
    }
    PlanNodePtr lhs = TRY(Build(*binary.lhs, grid, ""));
    PlanNodePtr rhs = TRY(Build(*binary.rhs, grid, ""));
    if (lhs->kind == PlanKind::kConstant && rhs->kind == PlanKind::kConstant) {
      return NewConstant(binary, grid, ApplyToScalars(binary.op, lhs->constant, rhs->constant));
    }
    PlanNodePtr node = NewNode(PlanKind::kBinary, binary, grid);
    node->inputs.push_back(std::move(lhs));
    node->inputs.push_back(std::move(rhs));
    return node;
  }

  Result<PlanNodePtr> BuildUnary(const UnaryExpr& unary, StepGrid grid, std::string_view function) {
    PlanNodePtr input = TRY(Build(*unary.expr, grid, function));
    if (!unary.negate) return input;
    if (input->kind == PlanKind::kConstant) return NewConstant(unary, grid, -input->constant);
    PlanNodePtr node = NewNode(PlanKind::kNegate, unary, grid);
    node->inputs.push_back(std::move(input));
    return node;
  }

  Result<PlanNodePtr> BuildCall(const Call& call, StepGrid grid) {
    const std::string_view name = call.function->name;
    if (IsQueryContextFunction(name)) return NewConstant(call, grid, QueryContextValue(name));
    if (name == "pi") return NewConstant(call, grid, std::numbers::pi);
    if (name == "info") return BuildInfo(call, grid);
    if (name == "timestamp" || name == "start_timestamp") {
      const Expr& arg = UnwrapParens(*call.args[0]);
      timestamp_of_ = arg.kind == ExprKind::kVectorSelector ? &As<VectorSelector>(arg) : nullptr;
    }
    PlanNodePtr node = NewNode(PlanKind::kCall, call, grid);
    bool all_constant = true;
    for (const ExprPtr& arg : call.args) {
      node->inputs.push_back(TRY(Build(*arg, grid, name)));
      all_constant &= node->inputs.back()->kind == PlanKind::kConstant;
    }
    if (all_constant && node->inputs.size() == 2 && (name == "max_of" || name == "min_of")) {
      const double a = node->inputs[0]->constant;
      const double b = node->inputs[1]->constant;
      return NewConstant(call, grid, name == "max_of" ? GoMax(a, b) : GoMin(a, b));
    }
    return node;
  }

  // info()'s second argument tells of info metrics, which are looked at when the first selector of
  // the first argument looks.
  Result<PlanNodePtr> BuildInfo(const Call& call, StepGrid grid) {
    PlanNodePtr node = NewNode(PlanKind::kCall, call, grid);
    node->inputs.push_back(TRY(Build(*call.args[0], grid, "info")));
    InfoMatchers matchers = TRY(FindInfoMatchers(call));
    std::ranges::move(matchers.data, std::back_inserter(matchers.names));
    PlanNodePtr infos = NewNode(PlanKind::kSelector, call, grid);
    infos->shift = FirstShift(*node->inputs[0]).value_or(TimeShift{});
    const TimeRange times{FromMs(infos->shift.Refer(grid.start_ms) - options_.lookback.count() + 1),
                          FromMs(infos->shift.Refer(grid.last_ms()))};
    SelectHints hints;
    hints.function = "info";
    infos->selection = AddSelection(matchers.names, times, std::move(hints));
    node->inputs.push_back(std::move(infos));
    return node;
  }

  static std::optional<TimeShift> FirstShift(const PlanNode& node) {
    if (node.kind == PlanKind::kSelector || node.kind == PlanKind::kMatrix) return node.shift;
    for (const PlanNodePtr& input : node.inputs) {
      auto shift = FirstShift(*input);
      if (!shift.has_value()) continue;
      if (node.kind == PlanKind::kSubquery && !shift->at_ms.has_value()) {
        shift->offset_ms += node.shift.offset_ms;
        shift->at_ms = node.shift.at_ms;
      }
      return shift;
    }
    return std::nullopt;
  }

  double QueryContextValue(std::string_view name) const {
    if (name == "start") return ToSeconds(times_.start);
    if (name == "end") return ToSeconds(times_.end);
    if (name == "range") return ToSeconds(times_.end - times_.start);
    return times_.start == times_.end ? 0 : ToSeconds(times_.step);
  }

  const QueryTimes& times_;
  const PlanOptions& options_;
  DurationContext durations_;
  StepInvariance invariance_;
  Plan plan_;
  const VectorSelector* timestamp_of_ = nullptr;  // what timestamp() or its kin is asked of
  const VectorSelector* grouped_ = nullptr;       // what an aggregation needs only these labels of
  std::vector<std::string> projection_;
  int depth_ = 0;
};

void DumpNode(const PlanNode& node, std::string_view query, size_t depth, std::string& out) {
  const PositionRange where = node.expr->position;
  const auto start = static_cast<size_t>(std::max(where.start, 0));
  const std::string_view text =
      start <= query.size() ? query.substr(start, static_cast<size_t>(where.end) - start) : "";
  out += fmt::format("{:{}}{} {}", "", 2 * depth, KindName(node.kind), text);
  if (node.kind == PlanKind::kConstant) out += fmt::format(" = {}", node.constant);
  if (node.kind == PlanKind::kSelector || node.kind == PlanKind::kMatrix) {
    out += fmt::format(" #{}", node.selection);
  }
  out += fmt::format(" [{}+{}x{}]\n", node.grid.start_ms, node.grid.step_ms, node.grid.count);
  for (const PlanNodePtr& input : node.inputs) DumpNode(*input, query, depth + 1, out);
}

}  // namespace

Result<Plan> MakePlan(const Expr& expr, const QueryTimes& times, const PlanOptions& options) {
  return Planner(times, options).Make(expr);
}

std::string_view KindName(PlanKind kind) {
  switch (kind) {
    case PlanKind::kConstant: return "constant";
    case PlanKind::kString: return "string";
    case PlanKind::kSelector: return "selector";
    case PlanKind::kMatrix: return "matrix";
    case PlanKind::kSubquery: return "subquery";
    case PlanKind::kCall: return "call";
    case PlanKind::kAggregate: return "aggregate";
    case PlanKind::kBinary: return "binary";
    case PlanKind::kNegate: return "negate";
    case PlanKind::kRepeat: return "repeat";
  }
  return "";
}

std::string Dump(const Plan& plan, std::string_view query) {
  std::string out;
  DumpNode(*plan.root, query, 0, out);
  return out;
}

}  // namespace barograph::promql
