#include "promql/parse/type_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/model/number.h"
#include "promql/parse/characters.h"
#include "promql/parse/functions.h"

namespace barograph::promql {
namespace {

// Each check of a node gives the node's type, so that no subtree is looked at twice.
class TypeChecker {
 public:
  TypeChecker(std::string_view query, ParseErrors& errors) : query_(query), errors_(errors) {}

  ValueType Check(Expr& expr);

 private:
  void Add(PositionRange where, std::string message) {
    errors_.push_back({where, std::move(message)});
  }
  void Expect(Expr& expr, ValueType wanted, std::string_view context);
  void CheckAggregate(AggregateExpr& aggregate);

  ValueType CheckBinary(BinaryExpr& binary);
  void CheckBool(const BinaryExpr& binary, bool scalars);
  void CheckIncludedLabels(const BinaryExpr& binary);
  void CheckMatching(BinaryExpr& binary, bool vectors);
  void CheckSetOperator(const BinaryExpr& binary);
  PositionRange OperatorRange(const BinaryExpr& binary) const;

  ValueType CheckCall(Call& call);
  void CheckArgumentCount(const Call& call);
  void CheckInfoSelector(Call& call);

  ValueType CheckUnary(UnaryExpr& unary);
  void CheckSubquery(SubqueryExpr& subquery);
  void CheckSelector(const VectorSelector& selector);

  std::string_view query_;
  ParseErrors& errors_;
};

ValueType TypeChecker::Check(Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kAggregate: CheckAggregate(As<AggregateExpr>(expr)); return ValueType::kVector;
    case ExprKind::kBinary: return CheckBinary(As<BinaryExpr>(expr));
    case ExprKind::kCall: return CheckCall(As<Call>(expr));
    case ExprKind::kParen: return Check(*As<ParenExpr>(expr).expr);
    case ExprKind::kUnary: return CheckUnary(As<UnaryExpr>(expr));
    case ExprKind::kSubquery: CheckSubquery(As<SubqueryExpr>(expr)); return ValueType::kMatrix;
    case ExprKind::kMatrixSelector:
      CheckSelector(*As<MatrixSelector>(expr).vector);
      return ValueType::kMatrix;
    case ExprKind::kVectorSelector:
      CheckSelector(As<VectorSelector>(expr));
      return ValueType::kVector;
    case ExprKind::kNumber:
    case ExprKind::kString:
    case ExprKind::kDuration: break;
  }
  return TypeOf(expr);
}

void TypeChecker::Expect(Expr& expr, ValueType wanted, std::string_view context) {
  const ValueType type = Check(expr);
  if (type == wanted) return;
  Add(expr.position, fmt::format("expected type {} in {}, got {}", DocumentedName(wanted), context,
                                 DocumentedName(type)));
}

void TypeChecker::CheckAggregate(AggregateExpr& aggregate) {
  Expect(*aggregate.expr, ValueType::kVector, "aggregation expression");
  if (!aggregate.param) return;
  const ValueType wanted =
      aggregate.op == AggregateOp::kCountValues ? ValueType::kString : ValueType::kScalar;
  Expect(*aggregate.param, wanted, "aggregation parameter");
}

ValueType TypeChecker::CheckBinary(BinaryExpr& binary) {
  const ValueType lhs = Check(*binary.lhs);
  const ValueType rhs = Check(*binary.rhs);
  const bool scalars = lhs == ValueType::kScalar && rhs == ValueType::kScalar;
  CheckBool(binary, scalars);
  VectorMatching& matching = *binary.matching;
  if (IsSetOperator(binary.op) && matching.card == VectorCardinality::kOneToOne) {
    matching.card = VectorCardinality::kManyToMany;
  }
  CheckIncludedLabels(binary);
  for (const auto& [type, side] : {std::pair(lhs, &binary.lhs), std::pair(rhs, &binary.rhs)}) {
    if (type == ValueType::kScalar || type == ValueType::kVector) continue;
    Add((*side)->position, "binary expression must contain only scalar and instant vector types");
  }
  CheckMatching(binary, lhs == ValueType::kVector && rhs == ValueType::kVector);
  const bool has_scalar = lhs == ValueType::kScalar || rhs == ValueType::kScalar;
  if (has_scalar && IsSetOperator(binary.op)) {
    Add(binary.position, fmt::format("set operator {} not allowed in binary scalar expression",
                                     Quote(ToString(binary.op))));
  }
  return scalars ? ValueType::kScalar : ValueType::kVector;
}

void TypeChecker::CheckBool(const BinaryExpr& binary, bool scalars) {
  if (binary.return_bool && !IsComparison(binary.op)) {
    Add(OperatorRange(binary), "bool modifier can only be used on comparison operators");
  }
  if (scalars && IsComparison(binary.op) && !binary.return_bool) {
    Add(OperatorRange(binary), "comparisons between scalars must use BOOL modifier");
  }
}

void TypeChecker::CheckIncludedLabels(const BinaryExpr& binary) {
  if (!binary.matching->on) return;
  for (const std::string& label : binary.matching->labels) {
    for (auto n = std::ranges::count(binary.matching->include, label); n > 0; --n) {
      Add(OperatorRange(binary),
          fmt::format("label {} must not occur in ON and GROUP clause at once", Quote(label)));
    }
  }
}

void TypeChecker::CheckMatching(BinaryExpr& binary, bool vectors) {
  const VectorMatching& matching = *binary.matching;
  if (vectors) {
    if (IsSetOperator(binary.op)) CheckSetOperator(binary);
    return;
  }
  if (!matching.labels.empty()) {
    Add(binary.position, "vector matching only allowed between instant vectors");
  }
  if (matching.fill_left || matching.fill_right) {
    Add(binary.position, "filling in missing series only allowed between instant vectors");
  }
  binary.matching.reset();
}

void TypeChecker::CheckSetOperator(const BinaryExpr& binary) {
  const VectorMatching& matching = *binary.matching;
  if (matching.card != VectorCardinality::kManyToMany) {
    Add(binary.position,
        fmt::format("no grouping allowed for {} operation", Quote(ToString(binary.op))));
    Add(binary.position, "set operations must always be many-to-many");
  }
  if (matching.fill_left || matching.fill_right) {
    Add(binary.position, "filling in missing series not allowed for set operators");
  }
}

// Between the operands, without the spaces; the end is the last byte, as Prometheus has it.
PositionRange TypeChecker::OperatorRange(const BinaryExpr& binary) const {
  const auto is_space = [this](int at) {
    return at >= 0 && std::cmp_less(at, query_.size()) && IsSpace(query_[static_cast<size_t>(at)]);
  };
  PositionRange range = {binary.lhs->position.end, binary.rhs->position.start - 1};
  while (is_space(range.start)) ++range.start;
  while (is_space(range.end)) --range.end;
  return range;
}

ValueType TypeChecker::CheckCall(Call& call) {
  const FunctionSignature& function = *call.function;
  CheckArgumentCount(call);
  if (function.name == "info" && call.args.size() > 1) CheckInfoSelector(call);
  for (size_t i = 0; i < call.args.size(); ++i) {
    if (i >= function.arguments.size() && function.variadic == 0) break;
    const ValueType wanted = function.arguments[std::min(i, function.arguments.size() - 1)];
    Expect(*call.args[i], wanted, fmt::format("call to function {}", Quote(function.name)));
  }
  return function.returns;
}

void TypeChecker::CheckArgumentCount(const Call& call) {
  const FunctionSignature& function = *call.function;
  const auto given = static_cast<int>(call.args.size());
  const auto named = static_cast<int>(function.arguments.size());
  const auto add = [&](std::string_view how_many, int wanted) {
    Add(call.position, fmt::format("expected {}{} argument(s) in call to {}, got {}", how_many,
                                   wanted, Quote(function.name), given));
  };
  if (function.variadic == 0) {
    if (given != named) add("", named);
  } else if (given < named - 1) {
    add("at least ", named - 1);
  } else if (function.variadic > 0 && given > named - 1 + function.variadic) {
    add("at most ", named - 1 + function.variadic);
  }
}

// info()'s second argument only carries matchers.
void TypeChecker::CheckInfoSelector(Call& call) {
  Expr& argument = *call.args[1];
  if (const ValueType type = TypeOf(argument); type != ValueType::kVector) {
    Add(call.position, fmt::format("expected type {} in call to function {}, got {}",
                                   DocumentedName(ValueType::kVector), Quote(call.function->name),
                                   DocumentedName(type)));
  }
  if (argument.kind != ExprKind::kVectorSelector) {
    Add(argument.position, "expected label selectors only");
  } else if (!As<VectorSelector>(argument).name.empty()) {
    Add(argument.position, "expected label selectors only, got vector selector instead");
  } else {
    As<VectorSelector>(argument).bypass_empty_matcher_check = true;
  }
}

ValueType TypeChecker::CheckUnary(UnaryExpr& unary) {
  const ValueType type = Check(*unary.expr);
  if (type != ValueType::kScalar && type != ValueType::kVector) {
    Add(unary.position, fmt::format("unary expression only allowed on expressions of type scalar "
                                    "or instant vector, got {}",
                                    Quote(DocumentedName(type))));
  }
  return type;
}

void TypeChecker::CheckSubquery(SubqueryExpr& subquery) {
  const ValueType type = Check(*subquery.expr);
  if (type == ValueType::kVector) return;
  Add(subquery.position,
      fmt::format("subquery is only allowed on instant vector, got {} instead", ToString(type)));
}

void TypeChecker::CheckSelector(const VectorSelector& selector) {
  const Matchers& matchers = selector.matchers;
  if (selector.name.empty()) {
    const bool selective =
        std::ranges::any_of(matchers, [](const Matcher& m) { return !m.MatchesEmpty(); });
    if (!selective && !selector.bypass_empty_matcher_check) {
      Add(selector.position, "vector selector must contain at least one non-empty matcher");
    }
    return;
  }
  // The last matcher is the name's own.
  for (size_t i = 0; i + 1 < matchers.size(); ++i) {
    if (matchers[i].name() != kMetricName) continue;
    Add(selector.position, fmt::format("metric name must not be set twice: {} or {}",
                                       Quote(selector.name), Quote(matchers[i].value())));
  }
}

}  // namespace

void CheckTypes(Expr& expr, std::string_view query, ParseErrors& errors) {
  TypeChecker(query, errors).Check(expr);
}

}  // namespace barograph::promql
