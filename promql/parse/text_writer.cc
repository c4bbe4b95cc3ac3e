#include "promql/parse/text_writer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/model/duration.h"
#include "base/model/labels.h"
#include "base/model/number.h"
#include "promql/parse/functions.h"

namespace barograph::promql {
namespace {

// Seconds as a duration of whole milliseconds, cut off.
std::string DurationText(double seconds) {
  constexpr double kMost = 9.2e18;
  const double ns = std::clamp(std::isnan(seconds) ? 0.0 : seconds * 1e9, -kMost, kMost);
  return FormatDuration(Duration(static_cast<int64_t>(ns) / 1'000'000));
}

}  // namespace

void TextWriter::Write(const Expr& expr) {
  if (text_.size() > limit_) return;
  switch (expr.kind) {
    case ExprKind::kNumber: return WriteNumber(As<NumberLiteral>(expr));
    case ExprKind::kString: text_ += Quote(As<StringLiteral>(expr).value); return;
    case ExprKind::kVectorSelector: return WriteVector(As<VectorSelector>(expr));
    case ExprKind::kMatrixSelector: return WriteMatrix(As<MatrixSelector>(expr));
    case ExprKind::kSubquery:
      Write(*As<SubqueryExpr>(expr).expr);
      return WriteTail(As<SubqueryExpr>(expr));
    case ExprKind::kAggregate: return WriteAggregate(As<AggregateExpr>(expr));
    case ExprKind::kBinary: return WriteBinary(As<BinaryExpr>(expr));
    case ExprKind::kUnary:
      text_ += As<UnaryExpr>(expr).negate ? '-' : '+';
      return Write(*As<UnaryExpr>(expr).expr);
    case ExprKind::kCall: return WriteCall(As<Call>(expr));
    case ExprKind::kParen:
      text_ += '(';
      Write(*As<ParenExpr>(expr).expr);
      text_ += ')';
      return;
    case ExprKind::kDuration: return WriteDuration(As<DurationExpr>(expr));
  }
}

void TextWriter::WriteHead(const AggregateExpr& aggregate) {
  text_ += ToString(aggregate.op);
  if (!aggregate.without && aggregate.grouping.empty()) return;
  text_ += aggregate.without ? " without (" : " by (";
  WriteLabels(aggregate.grouping);
  text_ += ") ";
}

void TextWriter::WriteAggregate(const AggregateExpr& aggregate) {
  WriteHead(aggregate);
  text_ += '(';
  if (aggregate.param) {
    Write(*aggregate.param);
    text_ += ", ";
  }
  Write(*aggregate.expr);
  text_ += ')';
}

void TextWriter::WriteBinary(const BinaryExpr& binary) {
  Write(*binary.lhs);
  text_ += ' ';
  WriteOperator(binary);
  text_ += ' ';
  Write(*binary.rhs);
}

void TextWriter::WriteOperator(const BinaryExpr& binary) {
  text_ += ToString(binary.op);
  if (binary.return_bool) text_ += " bool";
  if (binary.matching) WriteMatching(*binary.matching);
}

void TextWriter::WriteMatching(const VectorMatching& matching) {
  const bool left = matching.card == VectorCardinality::kManyToOne;
  const bool grouped = left || matching.card == VectorCardinality::kOneToMany;
  if (!matching.labels.empty() || matching.on || grouped) {
    text_ += matching.on ? " on (" : " ignoring (";
    WriteLabels(matching.labels);
    text_ += ')';
  }
  if (grouped) {
    text_ += left ? " group_left (" : " group_right (";
    WriteLabels(matching.include);
    text_ += ')';
  }
  WriteFill(matching);
}

void TextWriter::WriteFill(const VectorMatching& matching) {
  const auto& left = matching.fill_left;
  const auto& right = matching.fill_right;
  if (left && right && *left == *right) {
    text_ += fmt::format(" fill ({})", FormatShortest(*left));
    return;
  }
  if (left) text_ += fmt::format(" fill_left ({})", FormatShortest(*left));
  if (right) text_ += fmt::format(" fill_right ({})", FormatShortest(*right));
}

void TextWriter::WriteCall(const Call& call) {
  text_ += call.function->name;
  text_ += '(';
  std::string_view separator;
  for (const ExprPtr& argument : call.args) {
    text_ += separator;
    separator = ", ";
    Write(*argument);
  }
  text_ += ')';
}

void TextWriter::WriteDuration(const DurationExpr& duration) {
  if (duration.wrapped) text_ += '(';
  WriteDurationOperands(duration);
  if (duration.wrapped) text_ += ')';
}

void TextWriter::WriteDurationOperands(const DurationExpr& duration) {
  const std::string_view op = ToString(duration.op);
  switch (duration.op) {
    case DurationExpr::Op::kStep:
    case DurationExpr::Op::kRange:
      text_ += op;
      text_ += "()";
      return;
    case DurationExpr::Op::kMinOf:
    case DurationExpr::Op::kMaxOf:
      text_ += op;
      text_ += '(';
      Write(*duration.lhs);
      text_ += ", ";
      Write(*duration.rhs);
      text_ += ')';
      return;
    default: break;
  }
  if (duration.lhs) {
    Write(*duration.lhs);
    text_ += fmt::format(" {} ", op);
  } else if (duration.op == DurationExpr::Op::kSub) {
    text_ += '-';
  }
  Write(*duration.rhs);
}

void TextWriter::WriteNumber(const NumberLiteral& number) {
  if (!number.is_duration) return AppendValue(text_, number.value);
  if (number.value < 0) text_ += '-';
  text_ += DurationText(std::abs(number.value));
}

void TextWriter::WriteVector(const VectorSelector& vector) {
  WriteNameAndMatchers(vector);
  WriteAt(vector.time.at);
  WriteExtension(vector);
  WriteOffset(vector.time);
}

void TextWriter::WriteMatrix(const MatrixSelector& matrix) {
  const VectorSelector& vector = *matrix.vector;
  WriteNameAndMatchers(vector);
  text_ += '[';
  WriteRange(matrix.range, matrix.range_expr.get());
  text_ += ']';
  WriteExtension(vector);
  WriteAt(vector.time.at);
  WriteOffset(vector.time);
}

void TextWriter::WriteTail(const SubqueryExpr& subquery) {
  text_ += '[';
  WriteRange(subquery.range, subquery.range_expr.get());
  text_ += ':';
  if (subquery.step != Duration(0) || subquery.step_expr) {
    WriteRange(subquery.step, subquery.step_expr.get());
  }
  text_ += ']';
  WriteAt(subquery.time.at);
  WriteOffset(subquery.time);
}

void TextWriter::WriteNameAndMatchers(const VectorSelector& vector) {
  std::vector<std::string> matchers;
  for (const Matcher& matcher : vector.matchers) {
    // The name's own matcher is written as the name, unless it asks for an empty one.
    const bool is_name = matcher.name() == kMetricName && matcher.type() == MatchType::kEqual &&
                         matcher.value() == vector.name && !matcher.value().empty();
    if (!is_name) matchers.push_back(matcher.ToString());
  }
  text_ += vector.name;
  if (matchers.empty()) return;
  std::ranges::sort(matchers);
  text_ += fmt::format("{{{}}}", fmt::join(matchers, ","));
}

void TextWriter::WriteExtension(const VectorSelector& vector) {
  if (vector.anchored) {
    text_ += " anchored";
  } else if (vector.smoothed) {
    text_ += " smoothed";
  }
}

void TextWriter::WriteLabels(const std::vector<std::string>& labels) {
  std::string_view separator;
  for (const std::string& label : labels) {
    text_ += separator;
    separator = ", ";
    text_ += IsLegacyLabelName(label) ? label : Quote(label);
  }
}

void TextWriter::WriteRange(Duration plain, const Expr* expression) {
  if (expression) {
    Write(*expression);
  } else {
    text_ += FormatDuration(plain);
  }
}

void TextWriter::WriteAt(const AtModifier& at) {
  if (const auto* time = std::get_if<Timestamp>(&at)) {
    text_ += fmt::format(" @ {:.3f}", static_cast<double>(ToMs(*time)) / 1000.0);
  } else if (std::holds_alternative<AtStart>(at)) {
    text_ += " @ start()";
  } else if (std::holds_alternative<AtEnd>(at)) {
    text_ += " @ end()";
  }
}

void TextWriter::WriteOffset(const TimeModifiers& time) {
  if (!time.offset_expr && time.offset == Duration(0)) return;
  text_ += " offset ";
  if (!time.offset_expr && time.offset < Duration(0)) text_ += '-';
  WriteRange(std::chrono::abs(time.offset), time.offset_expr.get());
}

}  // namespace barograph::promql
