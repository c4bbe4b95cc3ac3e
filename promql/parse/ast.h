#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/model/matcher.h"
#include "base/time.h"

/// The syntax tree of PromQL, with the node names of Prometheus's parser so that /parse_query, the
/// printer and error messages say what its users expect. Nodes are owned by their parents; a tree
/// is immutable once parsed, except that the planner resolves duration expressions.
namespace barograph::promql {

/// Bytes [start, end) of the query text.
struct PositionRange {
  int start = 0;
  int end = 0;
  bool operator==(const PositionRange&) const = default;
};

enum class ValueType : uint8_t { kNone, kScalar, kVector, kMatrix, kString };
/// As error messages name a type: "instant vector", "range vector", "scalar", "string".
std::string_view DocumentedName(ValueType type);
/// As the HTTP API names a type: "vector", "matrix", "scalar", "string", "none".
std::string_view ToString(ValueType type);

enum class BinaryOp : uint8_t {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kAtan2,
  kEqual,
  kNotEqual,
  kGreater,
  kLess,
  kGreaterEqual,
  kLessEqual,
  kAnd,
  kOr,
  kUnless,
  kTrimUpper,  ///< </
  kTrimLower,  ///< >/
};
std::string_view ToString(BinaryOp op);
bool IsComparison(BinaryOp op);
bool IsSetOperator(BinaryOp op);

enum class AggregateOp : uint8_t {
  kSum,
  kAvg,
  kCount,
  kMin,
  kMax,
  kGroup,
  kStddev,
  kStdvar,
  kTopK,
  kBottomK,
  kCountValues,
  kQuantile,
  kLimitK,
  kLimitRatio,
};
std::string_view ToString(AggregateOp op);
/// Whether the aggregation has a parameter before its vector: topk(3, x).
bool TakesParameter(AggregateOp op);

enum class ExprKind : uint8_t {
  kNumber,
  kString,
  kVectorSelector,
  kMatrixSelector,
  kSubquery,
  kAggregate,
  kBinary,
  kUnary,
  kCall,
  kParen,
  kDuration,
};

struct Expr {
  explicit Expr(ExprKind k) : kind(k) {}
  virtual ~Expr() = default;
  Expr(const Expr&) = delete;
  Expr& operator=(const Expr&) = delete;

  const ExprKind kind;
  PositionRange position;
};
using ExprPtr = std::unique_ptr<Expr>;

struct NumberLiteral final : Expr {
  NumberLiteral() : Expr(ExprKind::kNumber) {}
  double value = 0;
  bool is_duration = false;  ///< written as a duration, such as 5m
};

struct StringLiteral final : Expr {
  StringLiteral() : Expr(ExprKind::kString) {}
  std::string value;
};

/// An arithmetic expression over durations, as in [2*step()] or offset (5m-1s).
struct DurationExpr final : Expr {
  enum class Op : uint8_t { kAdd, kSub, kMul, kDiv, kMod, kPow, kStep, kRange, kMinOf, kMaxOf };
  DurationExpr() : Expr(ExprKind::kDuration) {}
  Op op = Op::kAdd;
  ExprPtr lhs;           ///< null for unary operators, step() and range()
  ExprPtr rhs;           ///< null for step() and range()
  bool wrapped = false;  ///< in parentheses
  /// Where a sign, a function or parentheses around a number start and end; 0 where Prometheus's
  /// tree has none. `position` is the range that messages name.
  int start_pos = 0;
  int end_pos = 0;
};

/// +, -, ..., step, range, min_of, max_of.
std::string_view ToString(DurationExpr::Op op);

/// What `@` was given: nothing, a time, start() or end().
struct AtStart {
  bool operator==(const AtStart&) const = default;
};
struct AtEnd {
  bool operator==(const AtEnd&) const = default;
};
using AtModifier = std::variant<std::monostate, Timestamp, AtStart, AtEnd>;

/// offset and @, which selectors and subqueries take.
struct TimeModifiers {
  Duration offset{0};
  ExprPtr offset_expr;  ///< a DurationExpr when the offset is not a plain duration, else null
  AtModifier at;
};

struct VectorSelector final : Expr {
  VectorSelector() : Expr(ExprKind::kVectorSelector) {}
  std::string name;   ///< as written before the braces; may be empty
  Matchers matchers;  ///< the name's matcher included, last
  TimeModifiers time;
  bool anchored = false;
  bool smoothed = false;
  bool bypass_empty_matcher_check = false;  ///< the second argument of info()
};

struct MatrixSelector final : Expr {
  MatrixSelector() : Expr(ExprKind::kMatrixSelector) {}
  std::unique_ptr<VectorSelector> vector;
  Duration range{0};
  ExprPtr range_expr;  ///< a DurationExpr, or null
};

struct SubqueryExpr final : Expr {
  SubqueryExpr() : Expr(ExprKind::kSubquery) {}
  ExprPtr expr;
  Duration range{0};
  ExprPtr range_expr;
  Duration step{0};  ///< 0 is the default step
  ExprPtr step_expr;
  TimeModifiers time;
};

struct AggregateExpr final : Expr {
  AggregateExpr() : Expr(ExprKind::kAggregate) {}
  AggregateOp op = AggregateOp::kSum;
  ExprPtr expr;
  ExprPtr param;  ///< of topk, bottomk, count_values, quantile, limitk and limit_ratio, else null
  std::vector<std::string> grouping;  ///< as written
  bool without = false;
};

enum class VectorCardinality : uint8_t { kOneToOne, kManyToOne, kOneToMany, kManyToMany };
std::string_view ToString(VectorCardinality card);

struct VectorMatching {
  VectorCardinality card = VectorCardinality::kOneToOne;
  std::vector<std::string> labels;
  bool on = false;                   ///< else ignoring
  std::vector<std::string> include;  ///< of group_left and group_right
  std::optional<double> fill_left;
  std::optional<double> fill_right;
};

struct BinaryExpr final : Expr {
  BinaryExpr() : Expr(ExprKind::kBinary) {}
  BinaryOp op = BinaryOp::kAdd;
  ExprPtr lhs;
  ExprPtr rhs;
  std::optional<VectorMatching> matching;  ///< set when both sides are vectors
  bool return_bool = false;
};

struct UnaryExpr final : Expr {
  UnaryExpr() : Expr(ExprKind::kUnary) {}
  bool negate = false;  ///< else unary plus
  ExprPtr expr;
};

struct FunctionSignature;

struct Call final : Expr {
  Call() : Expr(ExprKind::kCall) {}
  const FunctionSignature* function = nullptr;  ///< never null in a parsed tree; static storage
  std::vector<ExprPtr> args;
};

struct ParenExpr final : Expr {
  ParenExpr() : Expr(ExprKind::kParen) {}
  ExprPtr expr;
};

/// The node as its type. Precondition: `expr.kind` is that type's.
template <typename T>
const T& As(const Expr& expr) {
  return static_cast<const T&>(expr);
}
template <typename T>
T& As(Expr& expr) {
  return static_cast<T&>(expr);
}

/// The type of value that the expression gives.
ValueType TypeOf(const Expr& expr);

/// The node without the parentheses around it.
const Expr& UnwrapParens(const Expr& expr);

}  // namespace barograph::promql
