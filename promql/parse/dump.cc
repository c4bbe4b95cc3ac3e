#include "promql/parse/dump.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes/utf8.h"
#include "base/model/number.h"
#include "promql/parse/functions.h"

namespace barograph::promql {
namespace {

std::string Base64(std::string_view bytes) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) {
      group = (group << 8) | (i + j < bytes.size() ? static_cast<uint8_t>(bytes[i + j]) : 0U);
    }
    const size_t characters = std::min<size_t>(bytes.size() - i, 3) + 1;
    for (size_t j = 0; j < 4; ++j) {
      out += j < characters ? kAlphabet[(group >> (18 - 6 * j)) & 0x3F] : '=';
    }
  }
  return out;
}

std::string JsonString(std::string_view text) {
  if (!IsValidUtf8(text)) return fmt::format(R"({{"b64":"{}"}})", Base64(text));
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<uint8_t>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string JsonNumber(double value) {
  const std::string text = FormatShortest(value);
  return std::isfinite(value) ? text : '"' + text + '"';
}

class JsonDumper {
 public:
  void Write(const Expr& expr);
  std::string Take() { return std::move(out_); }

 private:
  void Open(std::string_view node) { out_ += fmt::format(R"({{"node":"{}")", node); }
  void Close() { out_ += '}'; }
  void Field(std::string_view name) { out_ += fmt::format(R"(,"{}":)", name); }
  void Raw(std::string_view name, std::string_view json) {
    Field(name);
    out_ += json;
  }
  void Text(std::string_view name, std::string_view text) {
    if (!text.empty()) Raw(name, JsonString(text));
  }
  void Integer(std::string_view name, int64_t value) {
    if (value != 0) Raw(name, fmt::to_string(value));
  }
  void Flag(std::string_view name, bool value) {
    if (value) Raw(name, "true");
  }
  void Child(std::string_view name, const Expr* child) {
    if (!child) return;
    Field(name);
    Write(*child);
  }
  void Texts(std::string_view name, const std::vector<std::string>& texts);
  void Position(PositionRange position);
  void Nanoseconds(std::string_view name, Duration duration) {
    Integer(name, duration.count() * 1'000'000);
  }
  void Time(const TimeModifiers& time);
  void LabelMatchers(const Matchers& matchers);
  void Matching(const VectorMatching& matching);

  void Vector(const VectorSelector& vector);
  void Matrix(const MatrixSelector& matrix);
  void Subquery(const SubqueryExpr& subquery);
  void Aggregate(const AggregateExpr& aggregate);
  void Binary(const BinaryExpr& binary);
  void Function(const Call& call);
  void DurationNode(const DurationExpr& duration);

  std::string out_;
};

void JsonDumper::Write(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kNumber: {
      const auto& number = As<NumberLiteral>(expr);
      Open("NumberLiteral");
      if (number.value != 0) Raw("Val", JsonNumber(number.value));
      Flag("Duration", number.is_duration);
      Position(expr.position);
      return Close();
    }
    case ExprKind::kString:
      Open("StringLiteral");
      Text("Val", As<StringLiteral>(expr).value);
      Position(expr.position);
      return Close();
    case ExprKind::kUnary:
      Open("UnaryExpr");
      Text("Op", As<UnaryExpr>(expr).negate ? "-" : "+");
      Child("Expr", As<UnaryExpr>(expr).expr.get());
      Integer("StartPos", expr.position.start);
      return Close();
    case ExprKind::kParen:
      Open("ParenExpr");
      Child("Expr", As<ParenExpr>(expr).expr.get());
      Position(expr.position);
      return Close();
    case ExprKind::kVectorSelector: return Vector(As<VectorSelector>(expr));
    case ExprKind::kMatrixSelector: return Matrix(As<MatrixSelector>(expr));
    case ExprKind::kSubquery: return Subquery(As<SubqueryExpr>(expr));
    case ExprKind::kAggregate: return Aggregate(As<AggregateExpr>(expr));
    case ExprKind::kBinary: return Binary(As<BinaryExpr>(expr));
    case ExprKind::kCall: return Function(As<Call>(expr));
    case ExprKind::kDuration: return DurationNode(As<DurationExpr>(expr));
  }
}

void JsonDumper::Texts(std::string_view name, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  Field(name);
  char before = '[';
  for (const std::string& text : texts) {
    out_ += before;
    out_ += JsonString(text);
    before = ',';
  }
  out_ += ']';
}

void JsonDumper::Position(PositionRange position) {
  Field("PosRange");
  Open("PositionRange");
  Raw("Start", fmt::to_string(position.start));
  Raw("End", fmt::to_string(position.end));
  Close();
}

void JsonDumper::Time(const TimeModifiers& time) {
  Nanoseconds("OriginalOffset", time.offset);
  Child("OriginalOffsetExpr", time.offset_expr.get());
  if (const auto* at = std::get_if<Timestamp>(&time.at)) {
    Raw("Timestamp", fmt::to_string(ToMs(*at)));
  } else if (!std::holds_alternative<std::monostate>(time.at)) {
    Text("StartOrEnd", std::holds_alternative<AtStart>(time.at) ? "start" : "end");
  }
}

void JsonDumper::LabelMatchers(const Matchers& matchers) {
  if (matchers.empty()) return;
  Field("LabelMatchers");
  char before = '[';
  for (const Matcher& matcher : matchers) {
    out_ += before;
    before = ',';
    Open("Matcher");
    Text("Type", ToString(matcher.type()));
    Text("Name", matcher.name());
    Text("Value", matcher.value());
    Close();
  }
  out_ += ']';
}

void JsonDumper::Vector(const VectorSelector& vector) {
  Open("VectorSelector");
  Text("Name", vector.name);
  Time(vector.time);
  LabelMatchers(vector.matchers);
  Flag("BypassEmptyMatcherCheck", vector.bypass_empty_matcher_check);
  Flag("Anchored", vector.anchored);
  Flag("Smoothed", vector.smoothed);
  Position(vector.position);
  Close();
}

void JsonDumper::Matrix(const MatrixSelector& matrix) {
  Open("MatrixSelector");
  Child("VectorSelector", matrix.vector.get());
  Nanoseconds("Range", matrix.range);
  Child("RangeExpr", matrix.range_expr.get());
  Integer("EndPos", matrix.position.end);
  Close();
}

void JsonDumper::Subquery(const SubqueryExpr& subquery) {
  Open("SubqueryExpr");
  Child("Expr", subquery.expr.get());
  Nanoseconds("Range", subquery.range);
  Child("RangeExpr", subquery.range_expr.get());
  Time(subquery.time);
  Nanoseconds("Step", subquery.step);
  Child("StepExpr", subquery.step_expr.get());
  Integer("EndPos", subquery.position.end);
  Close();
}

void JsonDumper::Aggregate(const AggregateExpr& aggregate) {
  Open("AggregateExpr");
  Text("Op", ToString(aggregate.op));
  Child("Expr", aggregate.expr.get());
  Child("Param", aggregate.param.get());
  Texts("Grouping", aggregate.grouping);
  Flag("Without", aggregate.without);
  Position(aggregate.position);
  Close();
}

void JsonDumper::Binary(const BinaryExpr& binary) {
  Open("BinaryExpr");
  Text("Op", ToString(binary.op));
  Child("LHS", binary.lhs.get());
  Child("RHS", binary.rhs.get());
  if (binary.matching) Matching(*binary.matching);
  Flag("ReturnBool", binary.return_bool);
  Close();
}

void JsonDumper::Matching(const VectorMatching& matching) {
  Field("VectorMatching");
  Open("VectorMatching");
  Text("Card", ToString(matching.card));
  Texts("MatchingLabels", matching.labels);
  Flag("On", matching.on);
  Texts("Include", matching.include);
  if (matching.fill_left || matching.fill_right) {
    Field("FillValues");
    Open("VectorMatchFillValues");
    if (matching.fill_left) Raw("LHS", JsonNumber(*matching.fill_left));
    if (matching.fill_right) Raw("RHS", JsonNumber(*matching.fill_right));
    Close();
  }
  Close();
}

void JsonDumper::Function(const Call& call) {
  Open("Call");
  Text("Func", call.function->name);
  if (!call.args.empty()) {
    Field("Args");
    char before = '[';
    for (const ExprPtr& argument : call.args) {
      out_ += before;
      before = ',';
      Write(*argument);
    }
    out_ += ']';
  }
  Position(call.position);
  Close();
}

void JsonDumper::DurationNode(const DurationExpr& duration) {
  Open("DurationExpr");
  Text("Op", ToString(duration.op));
  Child("LHS", duration.lhs.get());
  Child("RHS", duration.rhs.get());
  Flag("Wrapped", duration.wrapped);
  Integer("StartPos", duration.start_pos);
  Integer("EndPos", duration.end_pos);
  Close();
}

}  // namespace

std::string DumpJson(const Expr& expr) {
  JsonDumper dumper;
  dumper.Write(expr);
  return dumper.Take();
}

}  // namespace barograph::promql
