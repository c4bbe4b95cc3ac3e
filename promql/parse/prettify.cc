#include <algorithm>

#include "promql/parse/functions.h"
#include "promql/parse/printer.h"
#include "promql/parse/text_writer.h"

namespace barograph::promql {
namespace {

// Writes a node on one line if that is short enough; else its parts on lines of their own, one
// level deeper. A level of 0 means that the node follows something on its line.
class Prettifier {
 public:
  explicit Prettifier(int max_line) : max_line_(static_cast<size_t>(std::max(0, max_line))) {}

  void Write(const Expr& expr, int level);
  std::string Take() { return std::move(text_); }

 private:
  bool NeedsSplit(const Expr& expr) const;
  void Indent(int level) { text_.append(2 * static_cast<size_t>(level), ' '); }
  void WriteSplit(const Expr& expr, int level);
  void WriteAggregate(const AggregateExpr& aggregate, int level);
  void WriteBinary(const BinaryExpr& binary, int level);
  void WriteCall(const Call& call, int level);
  void WriteUnary(const UnaryExpr& unary, int level);
  void WriteSubquery(const SubqueryExpr& subquery, int level);

  size_t max_line_;
  std::string text_;
};

bool Prettifier::NeedsSplit(const Expr& expr) const {
  TextWriter writer(max_line_);
  writer.Write(expr);
  return writer.text().size() > max_line_;
}

void Prettifier::Write(const Expr& expr, int level) {
  switch (expr.kind) {
    case ExprKind::kUnary: return WriteUnary(As<UnaryExpr>(expr), level);
    case ExprKind::kSubquery: return WriteSubquery(As<SubqueryExpr>(expr), level);
    case ExprKind::kAggregate:
    case ExprKind::kBinary:
    case ExprKind::kCall:
    case ExprKind::kParen:
      if (NeedsSplit(expr)) return WriteSplit(expr, level);
      break;
    default: break;
  }
  Indent(level);
  text_ += Print(expr);
}

void Prettifier::WriteSplit(const Expr& expr, int level) {
  switch (expr.kind) {
    case ExprKind::kAggregate: return WriteAggregate(As<AggregateExpr>(expr), level);
    case ExprKind::kBinary: return WriteBinary(As<BinaryExpr>(expr), level);
    case ExprKind::kCall: return WriteCall(As<Call>(expr), level);
    default: break;
  }
  Indent(level);
  text_ += "(\n";
  Write(*As<ParenExpr>(expr).expr, level + 1);
  text_ += '\n';
  Indent(level);
  text_ += ')';
}

void Prettifier::WriteAggregate(const AggregateExpr& aggregate, int level) {
  TextWriter head;
  head.WriteHead(aggregate);
  Indent(level);
  text_ += head.text();
  text_ += "(\n";
  if (aggregate.param) {
    Write(*aggregate.param, level + 1);
    text_ += ",\n";
  }
  Write(*aggregate.expr, level + 1);
  text_ += '\n';
  Indent(level);
  text_ += ')';
}

void Prettifier::WriteBinary(const BinaryExpr& binary, int level) {
  TextWriter op;
  op.WriteOperator(binary);
  Write(*binary.lhs, level + 1);
  text_ += '\n';
  Indent(level);
  text_ += op.text();
  text_ += '\n';
  Write(*binary.rhs, level + 1);
}

void Prettifier::WriteCall(const Call& call, int level) {
  Indent(level);
  text_ += call.function->name;
  text_ += "(\n";
  std::string_view separator;
  for (const ExprPtr& argument : call.args) {
    text_ += separator;
    separator = ",\n";
    Write(*argument, level + 1);
  }
  text_ += '\n';
  Indent(level);
  text_ += ')';
}

// The sign stands before what the operand's first line starts with.
void Prettifier::WriteUnary(const UnaryExpr& unary, int level) {
  Indent(level);
  text_ += unary.negate ? '-' : '+';
  const size_t start = text_.size();
  Write(*unary.expr, level);
  const size_t first = text_.find_first_not_of(" \n", start);
  if (first != std::string::npos) text_.erase(start, first - start);
}

void Prettifier::WriteSubquery(const SubqueryExpr& subquery, int level) {
  // Prometheus does not indent a subquery that fits on one line.
  if (!NeedsSplit(subquery)) {
    text_ += Print(subquery);
    return;
  }
  TextWriter tail;
  tail.WriteTail(subquery);
  Write(*subquery.expr, level);
  text_ += tail.text();
}

}  // namespace

std::string Prettify(const Expr& expr, int max_line) {
  Prettifier prettifier(max_line);
  prettifier.Write(expr, 0);
  return prettifier.Take();
}

}  // namespace barograph::promql
