#pragma once

#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "promql/parse/ast.h"

namespace barograph::promql {

/// Writes trees as text on one line: the innards of the printer and the prettifier.
class TextWriter {
 public:
  /// Stops soon after `limit` bytes: enough to know that a text is longer.
  explicit TextWriter(size_t limit = std::numeric_limits<size_t>::max()) : limit_(limit) {}

  void Write(const Expr& expr);
  /// `sum by (job) `: what stands before the arguments of an aggregation.
  void WriteHead(const AggregateExpr& aggregate);
  /// `+ on (job) group_left ()`: what stands between the operands.
  void WriteOperator(const BinaryExpr& binary);
  /// `[5m:1m] offset 1h`: what stands behind the expression of a subquery.
  void WriteTail(const SubqueryExpr& subquery);

  const std::string& text() const { return text_; }
  std::string Take() { return std::move(text_); }

 private:
  void WriteAggregate(const AggregateExpr& aggregate);
  void WriteBinary(const BinaryExpr& binary);
  void WriteMatching(const VectorMatching& matching);
  void WriteFill(const VectorMatching& matching);
  void WriteCall(const Call& call);
  void WriteDuration(const DurationExpr& duration);
  void WriteDurationOperands(const DurationExpr& duration);
  void WriteMatrix(const MatrixSelector& matrix);
  void WriteNumber(const NumberLiteral& number);
  void WriteVector(const VectorSelector& vector);
  void WriteNameAndMatchers(const VectorSelector& vector);
  void WriteExtension(const VectorSelector& vector);
  void WriteLabels(const std::vector<std::string>& labels);
  void WriteRange(Duration plain, const Expr* expression);
  void WriteAt(const AtModifier& at);
  void WriteOffset(const TimeModifiers& time);

  std::string text_;
  size_t limit_;
};

}  // namespace barograph::promql
