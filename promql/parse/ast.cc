#include "promql/parse/ast.h"

#include "promql/parse/functions.h"

namespace barograph::promql {

std::string_view DocumentedName(ValueType type) {
  switch (type) {
    case ValueType::kVector: return "instant vector";
    case ValueType::kMatrix: return "range vector";
    default: return ToString(type);
  }
}

std::string_view ToString(ValueType type) {
  switch (type) {
    case ValueType::kNone: return "none";
    case ValueType::kScalar: return "scalar";
    case ValueType::kVector: return "vector";
    case ValueType::kMatrix: return "matrix";
    case ValueType::kString: return "string";
  }
  return "none";
}

std::string_view ToString(BinaryOp op) {
  switch (op) {
    case BinaryOp::kAdd: return "+";
    case BinaryOp::kSub: return "-";
    case BinaryOp::kMul: return "*";
    case BinaryOp::kDiv: return "/";
    case BinaryOp::kMod: return "%";
    case BinaryOp::kPow: return "^";
    case BinaryOp::kAtan2: return "atan2";
    case BinaryOp::kEqual: return "==";
    case BinaryOp::kNotEqual: return "!=";
    case BinaryOp::kGreater: return ">";
    case BinaryOp::kLess: return "<";
    case BinaryOp::kGreaterEqual: return ">=";
    case BinaryOp::kLessEqual: return "<=";
    case BinaryOp::kAnd: return "and";
    case BinaryOp::kOr: return "or";
    case BinaryOp::kUnless: return "unless";
    case BinaryOp::kTrimUpper: return "</";
    case BinaryOp::kTrimLower: return ">/";
  }
  return "";
}

bool IsComparison(BinaryOp op) { return op >= BinaryOp::kEqual && op <= BinaryOp::kLessEqual; }

bool IsSetOperator(BinaryOp op) {
  return op == BinaryOp::kAnd || op == BinaryOp::kOr || op == BinaryOp::kUnless;
}

std::string_view ToString(AggregateOp op) {
  switch (op) {
    case AggregateOp::kSum: return "sum";
    case AggregateOp::kAvg: return "avg";
    case AggregateOp::kCount: return "count";
    case AggregateOp::kMin: return "min";
    case AggregateOp::kMax: return "max";
    case AggregateOp::kGroup: return "group";
    case AggregateOp::kStddev: return "stddev";
    case AggregateOp::kStdvar: return "stdvar";
    case AggregateOp::kTopK: return "topk";
    case AggregateOp::kBottomK: return "bottomk";
    case AggregateOp::kCountValues: return "count_values";
    case AggregateOp::kQuantile: return "quantile";
    case AggregateOp::kLimitK: return "limitk";
    case AggregateOp::kLimitRatio: return "limit_ratio";
  }
  return "";
}

bool TakesParameter(AggregateOp op) { return op >= AggregateOp::kTopK; }

std::string_view ToString(DurationExpr::Op op) {
  switch (op) {
    case DurationExpr::Op::kAdd: return "+";
    case DurationExpr::Op::kSub: return "-";
    case DurationExpr::Op::kMul: return "*";
    case DurationExpr::Op::kDiv: return "/";
    case DurationExpr::Op::kMod: return "%";
    case DurationExpr::Op::kPow: return "^";
    case DurationExpr::Op::kStep: return "step";
    case DurationExpr::Op::kRange: return "range";
    case DurationExpr::Op::kMinOf: return "min_of";
    case DurationExpr::Op::kMaxOf: return "max_of";
  }
  return "";
}

std::string_view ToString(VectorCardinality card) {
  switch (card) {
    case VectorCardinality::kOneToOne: return "one-to-one";
    case VectorCardinality::kManyToOne: return "many-to-one";
    case VectorCardinality::kOneToMany: return "one-to-many";
    case VectorCardinality::kManyToMany: return "many-to-many";
  }
  return "";
}

ValueType TypeOf(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kNumber:
    case ExprKind::kDuration: return ValueType::kScalar;
    case ExprKind::kString: return ValueType::kString;
    case ExprKind::kVectorSelector:
    case ExprKind::kAggregate: return ValueType::kVector;
    case ExprKind::kMatrixSelector:
    case ExprKind::kSubquery: return ValueType::kMatrix;
    case ExprKind::kBinary: {
      const auto& binary = As<BinaryExpr>(expr);
      const bool scalar =
          TypeOf(*binary.lhs) == ValueType::kScalar && TypeOf(*binary.rhs) == ValueType::kScalar;
      return scalar ? ValueType::kScalar : ValueType::kVector;
    }
    case ExprKind::kUnary: return TypeOf(*As<UnaryExpr>(expr).expr);
    case ExprKind::kCall: return As<Call>(expr).function->returns;
    case ExprKind::kParen: return TypeOf(*As<ParenExpr>(expr).expr);
  }
  return ValueType::kNone;
}

const Expr& UnwrapParens(const Expr& expr) {
  const Expr* inner = &expr;
  while (inner->kind == ExprKind::kParen) inner = As<ParenExpr>(*inner).expr.get();
  return *inner;
}

}  // namespace barograph::promql
