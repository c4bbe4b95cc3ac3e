#include "web/api/expression_json.h"

#include <optional>
#include <string>

#include "base/model/number.h"
#include "promql/parse/functions.h"

namespace barograph::web {
namespace {

using namespace promql;

void WriteExpressionOrNull(JsonWriter& json, const Expr* expression) {
  if (expression == nullptr) return json.Null();
  WriteExpression(json, *expression);
}

void WriteField(JsonWriter& json, std::string_view key, std::string_view value) {
  json.Key(key);
  json.String(value);
}
void WriteField(JsonWriter& json, std::string_view key, const Expr* value) {
  json.Key(key);
  WriteExpressionOrNull(json, value);
}
void WriteFlag(JsonWriter& json, std::string_view key, bool value) {
  json.Key(key);
  json.Bool(value);
}
void WriteNumber(JsonWriter& json, std::string_view key, int64_t value) {
  json.Key(key);
  json.Int(value);
}

void WriteNames(JsonWriter& json, std::string_view key, const std::vector<std::string>& names) {
  json.Key(key);
  json.BeginArray();
  for (const auto& name : names) json.String(name);
  json.EndArray();
}

/// A duration written as an expression, or as a number inside of one; else null.
void WriteDuration(JsonWriter& json, std::string_view key, const Expr* expression) {
  json.Key(key);
  if (expression == nullptr || expression->kind != ExprKind::kNumber)
    return WriteExpressionOrNull(json, expression);
  const auto& number = As<NumberLiteral>(*expression);
  json.BeginObject();
  WriteField(json, "type", "numberLiteral");
  WriteField(json, "val", FormatValue(number.value));
  WriteFlag(json, "duration", number.is_duration);
  json.EndObject();
}

std::string_view ToText(DurationExpr::Op op) {
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

void WriteTime(JsonWriter& json, const TimeModifiers& time) {
  WriteNumber(json, "offset", time.offset.count());
  WriteDuration(json, "offsetExpr", time.offset_expr.get());
  json.Key("timestamp");
  if (const auto* at = std::get_if<Timestamp>(&time.at)) {
    json.Int(ToMs(*at));
  } else {
    json.Null();
  }
  json.Key("startOrEnd");
  if (std::holds_alternative<AtStart>(time.at)) {
    json.String("start");
  } else if (std::holds_alternative<AtEnd>(time.at)) {
    json.String("end");
  } else {
    json.Null();
  }
}

void WriteSelector(JsonWriter& json, const VectorSelector& selector) {
  WriteField(json, "name", selector.name);
  WriteTime(json, selector.time);
  json.Key("matchers");
  json.BeginArray();
  for (const auto& matcher : selector.matchers) {
    json.BeginObject();
    WriteField(json, "name", matcher.name());
    WriteField(json, "value", matcher.value());
    WriteField(json, "type", ToString(matcher.type()));
    json.EndObject();
  }
  json.EndArray();
  WriteFlag(json, "anchored", selector.anchored);
  WriteFlag(json, "smoothed", selector.smoothed);
}

void WriteFill(JsonWriter& json, std::string_view key, const std::optional<double>& value) {
  json.Key(key);
  if (value) {
    json.Number(*value);
  } else {
    json.Null();
  }
}

void WriteMatching(JsonWriter& json, const std::optional<VectorMatching>& matching) {
  json.Key("matching");
  if (!matching) return json.Null();
  json.BeginObject();
  WriteField(json, "card", ToString(matching->card));
  WriteNames(json, "labels", matching->labels);
  WriteFlag(json, "on", matching->on);
  WriteNames(json, "include", matching->include);
  json.Key("fillValues");
  json.BeginObject();
  WriteFill(json, "lhs", matching->fill_left);
  WriteFill(json, "rhs", matching->fill_right);
  json.EndObject();
  json.EndObject();
}

void WriteNode(JsonWriter& json, const AggregateExpr& node) {
  WriteField(json, "type", "aggregation");
  WriteField(json, "op", ToString(node.op));
  WriteField(json, "expr", node.expr.get());
  WriteField(json, "param", node.param.get());
  WriteNames(json, "grouping", node.grouping);
  WriteFlag(json, "without", node.without);
}

void WriteNode(JsonWriter& json, const BinaryExpr& node) {
  WriteField(json, "type", "binaryExpr");
  WriteField(json, "op", ToString(node.op));
  WriteField(json, "lhs", node.lhs.get());
  WriteField(json, "rhs", node.rhs.get());
  WriteMatching(json, node.matching);
  WriteFlag(json, "bool", node.return_bool);
}

void WriteNode(JsonWriter& json, const Call& node) {
  WriteField(json, "type", "call");
  json.Key("func");
  json.BeginObject();
  WriteField(json, "name", node.function->name);
  json.Key("argTypes");
  json.BeginArray();
  for (const auto type : node.function->arguments) json.String(ToString(type));
  json.EndArray();
  WriteNumber(json, "variadic", node.function->variadic);
  WriteField(json, "returnType", ToString(node.function->returns));
  json.EndObject();
  json.Key("args");
  json.BeginArray();
  for (const auto& arg : node.args) WriteExpression(json, *arg);
  json.EndArray();
}

void WriteNode(JsonWriter& json, const MatrixSelector& node) {
  WriteField(json, "type", "matrixSelector");
  WriteNumber(json, "range", node.range.count());
  WriteDuration(json, "rangeExpr", node.range_expr.get());
  WriteSelector(json, *node.vector);
}

void WriteNode(JsonWriter& json, const SubqueryExpr& node) {
  WriteField(json, "type", "subquery");
  WriteField(json, "expr", node.expr.get());
  WriteNumber(json, "range", node.range.count());
  WriteDuration(json, "rangeExpr", node.range_expr.get());
  WriteTime(json, node.time);
  WriteNumber(json, "step", node.step.count());
  WriteDuration(json, "stepExpr", node.step_expr.get());
}

void WriteNode(JsonWriter& json, const DurationExpr& node) {
  WriteField(json, "type", "durationExpr");
  WriteField(json, "op", ToText(node.op));
  WriteDuration(json, "lhs", node.lhs.get());
  WriteDuration(json, "rhs", node.rhs.get());
  WriteFlag(json, "wrapped", node.wrapped);
}

void WriteNode(JsonWriter& json, const NumberLiteral& node) {
  WriteField(json, "type", "numberLiteral");
  WriteField(json, "val", FormatValue(node.value));
}

void WriteNode(JsonWriter& json, const StringLiteral& node) {
  WriteField(json, "type", "stringLiteral");
  WriteField(json, "val", node.value);
}

void WriteNode(JsonWriter& json, const ParenExpr& node) {
  WriteField(json, "type", "parenExpr");
  WriteField(json, "expr", node.expr.get());
}

void WriteNode(JsonWriter& json, const UnaryExpr& node) {
  WriteField(json, "type", "unaryExpr");
  WriteField(json, "op", node.negate ? "-" : "+");
  WriteField(json, "expr", node.expr.get());
}

void WriteNode(JsonWriter& json, const VectorSelector& node) {
  WriteField(json, "type", "vectorSelector");
  WriteSelector(json, node);
}

}  // namespace

void WriteExpression(JsonWriter& json, const Expr& expression) {
  json.BeginObject();
  switch (expression.kind) {
    case ExprKind::kNumber: WriteNode(json, As<NumberLiteral>(expression)); break;
    case ExprKind::kString: WriteNode(json, As<StringLiteral>(expression)); break;
    case ExprKind::kVectorSelector: WriteNode(json, As<VectorSelector>(expression)); break;
    case ExprKind::kMatrixSelector: WriteNode(json, As<MatrixSelector>(expression)); break;
    case ExprKind::kSubquery: WriteNode(json, As<SubqueryExpr>(expression)); break;
    case ExprKind::kAggregate: WriteNode(json, As<AggregateExpr>(expression)); break;
    case ExprKind::kBinary: WriteNode(json, As<BinaryExpr>(expression)); break;
    case ExprKind::kUnary: WriteNode(json, As<UnaryExpr>(expression)); break;
    case ExprKind::kCall: WriteNode(json, As<Call>(expression)); break;
    case ExprKind::kParen: WriteNode(json, As<ParenExpr>(expression)); break;
    case ExprKind::kDuration: WriteNode(json, As<DurationExpr>(expression)); break;
  }
  json.EndObject();
}

}  // namespace barograph::web
