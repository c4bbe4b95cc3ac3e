#include "tests/promql/parse_dump.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/model/duration.h"
#include "base/model/number.h"
#include "promql/parse/functions.h"
#include "promql/parse/parser.h"

namespace barograph::promql {
namespace {

std::string TimeText(const TimeModifiers& time) {
  std::string out;
  if (time.offset_expr) {
    out += " offset=" + Terse(*time.offset_expr);
  } else if (time.offset < Duration(0)) {
    out += " offset=-" + FormatDuration(-time.offset);
  } else if (time.offset > Duration(0)) {
    out += " offset=" + FormatDuration(time.offset);
  }
  if (const auto* at = std::get_if<Timestamp>(&time.at)) out += fmt::format(" @={}", ToMs(*at));
  if (std::holds_alternative<AtStart>(time.at)) out += " @=start";
  if (std::holds_alternative<AtEnd>(time.at)) out += " @=end";
  return out;
}

std::string RangeText(Duration plain, const ExprPtr& expression) {
  return expression ? Terse(*expression) : FormatDuration(plain);
}

std::string SelectorText(const VectorSelector& vector) {
  std::string out;
  for (const Matcher& matcher : vector.matchers) {
    if (!out.empty()) out += ',';
    out += matcher.ToString();
  }
  // A name alone is the usual case.
  if (vector.matchers.size() == 1 && !vector.name.empty()) return vector.name;
  return vector.name + "{" + out + "}";
}

std::string VectorText(const VectorSelector& vector) {
  std::string modifiers = TimeText(vector.time);
  if (vector.anchored) modifiers += " anchored";
  if (vector.smoothed) modifiers += " smoothed";
  const std::string selector = SelectorText(vector);
  return modifiers.empty() ? selector : fmt::format("(at{} {})", modifiers, selector);
}

std::string MatrixText(const MatrixSelector& matrix) {
  return fmt::format("(range {} {})", RangeText(matrix.range, matrix.range_expr),
                     VectorText(*matrix.vector));
}

std::string SubqueryText(const SubqueryExpr& subquery) {
  const bool has_step = subquery.step_expr || subquery.step != Duration(0);
  return fmt::format("(subquery {}:{}{} {})", RangeText(subquery.range, subquery.range_expr),
                     has_step ? RangeText(subquery.step, subquery.step_expr) : "",
                     TimeText(subquery.time), Terse(*subquery.expr));
}

std::string AggregateText(const AggregateExpr& aggregate) {
  std::string out = fmt::format("({}", ToString(aggregate.op));
  if (aggregate.without || !aggregate.grouping.empty()) {
    out += fmt::format(" {}={}", aggregate.without ? "without" : "by",
                       fmt::join(aggregate.grouping, ","));
  }
  if (aggregate.param) out += " " + Terse(*aggregate.param);
  return out + " " + Terse(*aggregate.expr) + ")";
}

std::string MatchingText(const VectorMatching& matching) {
  std::string out;
  if (matching.on || !matching.labels.empty()) {
    out += fmt::format(" {}={}", matching.on ? "on" : "ignoring", fmt::join(matching.labels, ","));
  }
  if (matching.card == VectorCardinality::kManyToOne) {
    out += fmt::format(" left={}", fmt::join(matching.include, ","));
  }
  if (matching.card == VectorCardinality::kOneToMany) {
    out += fmt::format(" right={}", fmt::join(matching.include, ","));
  }
  if (matching.fill_left) out += fmt::format(" fill_left={}", *matching.fill_left);
  if (matching.fill_right) out += fmt::format(" fill_right={}", *matching.fill_right);
  return out;
}

std::string BinaryText(const BinaryExpr& binary) {
  std::string out = fmt::format("({}", ToString(binary.op));
  if (binary.return_bool) out += " bool";
  if (binary.matching) out += MatchingText(*binary.matching);
  return out + " " + Terse(*binary.lhs) + " " + Terse(*binary.rhs) + ")";
}

std::string CallText(const Call& call) {
  std::string out = fmt::format("({}", call.function->name);
  for (const ExprPtr& argument : call.args) out += " " + Terse(*argument);
  return out + ")";
}

std::string DurationText(const DurationExpr& duration) {
  std::string out = fmt::format("({}", ToString(duration.op));
  if (duration.wrapped) out += "()";
  if (duration.lhs) out += " " + Terse(*duration.lhs);
  if (duration.rhs) out += " " + Terse(*duration.rhs);
  return out + ")";
}

std::string NumberText(const NumberLiteral& number) {
  return FormatShortest(number.value) + (number.is_duration ? "s" : "");
}

}  // namespace

std::string Terse(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kNumber: return NumberText(As<NumberLiteral>(expr));
    case ExprKind::kString: return Quote(As<StringLiteral>(expr).value);
    case ExprKind::kVectorSelector: return VectorText(As<VectorSelector>(expr));
    case ExprKind::kMatrixSelector: return MatrixText(As<MatrixSelector>(expr));
    case ExprKind::kSubquery: return SubqueryText(As<SubqueryExpr>(expr));
    case ExprKind::kAggregate: return AggregateText(As<AggregateExpr>(expr));
    case ExprKind::kBinary: return BinaryText(As<BinaryExpr>(expr));
    case ExprKind::kUnary:
      return fmt::format("({} {})", As<UnaryExpr>(expr).negate ? "-" : "+",
                         Terse(*As<UnaryExpr>(expr).expr));
    case ExprKind::kCall: return CallText(As<Call>(expr));
    case ExprKind::kParen: return fmt::format("[{}]", Terse(*As<ParenExpr>(expr).expr));
    case ExprKind::kDuration: return DurationText(As<DurationExpr>(expr));
  }
  return "";
}

std::string TerseOf(std::string_view text) {
  const auto expr = ParseExpr(text);
  return expr ? Terse(**expr) : "error: " + expr.error().front().message;
}

}  // namespace barograph::promql
