#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "base/time.h"
#include "memory_storage.h"
#include "promql/engine.h"
#include "promql/parse/functions.h"
#include "promql/parse/parser.h"
#include "promql/script/command.h"
#include "script_files.h"

// Each function, aggregation, operator and modifier has a case in the project's own scripts.
namespace barograph::promql {
namespace {

// What is in an expression, by the names that it has in the language.
class Contents {
 public:
  void Visit(const Expr& expr) {
    switch (expr.kind) {
      case ExprKind::kNumber:
      case ExprKind::kString: return;
      case ExprKind::kVectorSelector: return VisitSelector(As<VectorSelector>(expr));
      case ExprKind::kMatrixSelector:
        VisitOptional(As<MatrixSelector>(expr).range_expr);
        return VisitSelector(*As<MatrixSelector>(expr).vector);
      case ExprKind::kSubquery:
        Add("subquery");
        VisitTime(As<SubqueryExpr>(expr).time);
        return Visit(*As<SubqueryExpr>(expr).expr);
      case ExprKind::kAggregate: return VisitAggregate(As<AggregateExpr>(expr));
      case ExprKind::kBinary: return VisitBinary(As<BinaryExpr>(expr));
      case ExprKind::kUnary:
        Add(As<UnaryExpr>(expr).negate ? "unary -" : "unary +");
        return Visit(*As<UnaryExpr>(expr).expr);
      case ExprKind::kCall:
        Add(std::string(As<Call>(expr).function->name) + "()");
        for (const ExprPtr& arg : As<Call>(expr).args) Visit(*arg);
        return;
      case ExprKind::kParen: return Visit(*As<ParenExpr>(expr).expr);
      case ExprKind::kDuration:
        Add("duration " + std::string(ToString(As<DurationExpr>(expr).op)));
        VisitOptional(As<DurationExpr>(expr).lhs);
        return VisitOptional(As<DurationExpr>(expr).rhs);
    }
  }
  bool Has(const std::string& what) const { return found_.contains(what); }

 private:
  void Add(std::string what) { found_.insert(std::move(what)); }
  void AddIf(bool there, const char* what) {
    if (there) Add(what);
  }
  void VisitOptional(const ExprPtr& expr) {
    if (expr != nullptr) Visit(*expr);
  }
  void VisitTime(const TimeModifiers& time) {
    AddIf(time.offset.count() != 0 || time.offset_expr != nullptr, "offset");
    AddIf(time.at.index() == 1, "@");
    AddIf(std::holds_alternative<AtStart>(time.at), "@ start()");
    AddIf(std::holds_alternative<AtEnd>(time.at), "@ end()");
    VisitOptional(time.offset_expr);
  }
  void VisitSelector(const VectorSelector& selector) {
    VisitTime(selector.time);
    AddIf(selector.anchored, "anchored");
    AddIf(selector.smoothed, "smoothed");
    for (const Matcher& matcher : selector.matchers) {
      Add("matcher " + std::string(ToString(matcher.type())));
    }
  }
  void VisitAggregate(const AggregateExpr& aggregate) {
    Add("aggregation " + std::string(ToString(aggregate.op)));
    AddIf(aggregate.without, "without");
    AddIf(!aggregate.without && !aggregate.grouping.empty(), "by");
    VisitOptional(aggregate.param);
    Visit(*aggregate.expr);
  }
  void VisitBinary(const BinaryExpr& binary) {
    Add("operator " + std::string(ToString(binary.op)));
    AddIf(binary.return_bool, "bool");
    if (binary.matching.has_value()) {
      const VectorMatching& matching = *binary.matching;
      AddIf(matching.on, "on");
      AddIf(!matching.on && !matching.labels.empty(), "ignoring");
      AddIf(matching.card == VectorCardinality::kManyToOne, "group_left");
      AddIf(matching.card == VectorCardinality::kOneToMany, "group_right");
      AddIf(matching.fill_left.has_value() && !matching.fill_right.has_value(), "fill_left");
      AddIf(matching.fill_right.has_value() && !matching.fill_left.has_value(), "fill_right");
    }
    Visit(*binary.lhs);
    Visit(*binary.rhs);
  }

  std::set<std::string> found_;
};

Contents OfOwnScripts() {
  Contents contents;
  for (const auto& file : testing::ScriptsIn(testing::OwnScripts())) {
    for (const script::Command& command : script::ParseScript(testing::ReadScript(file))) {
      const auto* eval = std::get_if<script::EvalCommand>(&command);
      if (eval == nullptr) continue;
      if (const auto expr = ParseExpr(eval->query)) contents.Visit(**expr);
    }
  }
  return contents;
}

}  // namespace

TEST_CASE("Own scripts have a case of every function") {
  const Contents contents = OfOwnScripts();
  for (const FunctionSignature& function : AllFunctions()) {
    INFO(function.name);
    CHECK(contents.Has(std::string(function.name) + "()"));
  }
}

TEST_CASE("Own scripts have a case of every aggregation, operator and modifier") {
  const Contents contents = OfOwnScripts();
  for (int op = 0; op <= static_cast<int>(AggregateOp::kLimitRatio); ++op) {
    INFO(ToString(static_cast<AggregateOp>(op)));
    CHECK(contents.Has("aggregation " + std::string(ToString(static_cast<AggregateOp>(op)))));
  }
  for (int op = 0; op <= static_cast<int>(BinaryOp::kTrimLower); ++op) {
    INFO(ToString(static_cast<BinaryOp>(op)));
    CHECK(contents.Has("operator " + std::string(ToString(static_cast<BinaryOp>(op)))));
  }
  for (int op = 0; op <= static_cast<int>(DurationExpr::Op::kMaxOf); ++op) {
    INFO(ToString(static_cast<DurationExpr::Op>(op)));
    CHECK(contents.Has("duration " + std::string(ToString(static_cast<DurationExpr::Op>(op)))));
  }
  for (const char* what :
       {"by",          "without",    "on",         "ignoring",  "bool",    "group_left",
        "group_right", "fill_left",  "fill_right", "offset",    "@",       "@ start()",
        "@ end()",     "anchored",   "smoothed",   "subquery",  "unary -", "unary +",
        "matcher =",   "matcher !=", "matcher =~", "matcher !~"}) {
    INFO(what);
    CHECK(contents.Has(what));
  }
}

}  // namespace barograph::promql
