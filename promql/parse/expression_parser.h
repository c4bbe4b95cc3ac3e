#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "promql/parse/parser_core.h"

namespace barograph::promql {

/// The grammar of expressions and selectors, by recursive descent; operators by climbing
/// precedences. A function that returns a null pointer, false or nullopt met a syntax error, which
/// its caller passes on. Errors of other kinds are only noted, and leave a tree with holes (null
/// children) that is thrown away.
class ExpressionParser : public ParserCore {
 public:
  ExpressionParser(std::string_view text, const ParserOptions& options)
      : ParserCore(text, Lexer::Language::kExpression, options) {}

  /// The whole text. Null, or with holes, when failed().
  ExprPtr ParseAll();
  std::unique_ptr<VectorSelector> ParseAllAsSelector();

 private:
  // expression_parser.cc
  ExprPtr Expression(int min_precedence);
  ExprPtr Climb(ExprPtr lhs, int min_precedence);
  ExprPtr Binary(ExprPtr lhs, int precedence);
  ExprPtr Prefix();
  ExprPtr NumberOrDuration();
  ExprPtr StringInQuotes();
  ExprPtr Parenthesised();
  ExprPtr Unary();
  ExprPtr NameOrCall();
  ExprPtr NameOrAggregation();
  ExprPtr CallOf(const Token& name);
  bool Arguments(std::vector<ExprPtr>& arguments);
  bool CanStartExpression();
  bool Nest();
  bool CheckHeight(PositionRange where);

  // aggregate_parser.cc
  ExprPtr Aggregation(const Token& op);
  bool AggregationBody(AggregateExpr& aggregate, std::vector<ExprPtr>& arguments, bool& overread);
  bool AggregateModifier(AggregateExpr& aggregate);
  void SetArguments(AggregateExpr& aggregate, std::vector<ExprPtr> arguments);

  // matching_parser.cc
  bool BinaryModifiers(BinaryExpr& binary);
  bool OnOrIgnoring(VectorMatching& matching);
  bool FillModifiers(VectorMatching& matching);
  std::optional<double> FillValue();
  bool GroupingLabels(std::vector<std::string>& labels);
  bool GroupingLabel(std::vector<std::string>& labels);

  // modifier_parser.cc
  static bool IsModifier(TokenType type);
  ExprPtr Modified(ExprPtr expr);
  bool Offset(Expr& expr);
  void SetOffset(Expr& expr, ExprPtr offset);
  bool At(Expr& expr);
  std::optional<double> SignedNumber();
  void SetAt(Expr& expr, const AtModifier& at);
  void SetExtended(Expr& expr, std::string_view name, bool VectorSelector::* flag,
                   bool VectorSelector::* other);
  bool TakesTimeModifiers(const Expr& expr, std::string_view what);
  ExprPtr RangeOrSubquery(ExprPtr expr);
  ExprPtr Range(ExprPtr expr, ExprPtr range, const Token& open);
  ExprPtr Subquery(ExprPtr expr, ExprPtr range);

  // duration_parser.cc
  ExprPtr PositiveDuration();
  ExprPtr DurationExpression(int min_precedence);
  ExprPtr ClimbDuration(ExprPtr lhs, int min_precedence);
  ExprPtr BinaryDuration(ExprPtr lhs, const Token& op, ExprPtr rhs);
  ExprPtr DurationPrefix();
  ExprPtr DurationLiteral();
  ExprPtr ParenthesisedDuration();
  std::unique_ptr<DurationExpr> DurationFunction();
  bool DurationArguments(DurationExpr& function);
  ExprPtr OffsetDuration();
  ExprPtr SignedOffsetDuration();
  ExprPtr SignedParenthesis(const Token& sign);
  ExprPtr SignedFunction(const Token& sign);
  ExprPtr ApplySign(const Token& sign, ExprPtr duration);
  ExprPtr Wrap(ExprPtr duration, PositionRange where);
  void NeedDurationExpressions(const Expr& expr);

  // selector_parser.cc
  ExprPtr Selector(const Token& name);
  ExprPtr SelectorWithoutName();
  std::unique_ptr<VectorSelector> LabelMatchers();
  bool MatcherList(Matchers& matchers);
  bool OneMatcher(Matchers& matchers);
  void AddMatcher(Matchers& matchers, int start, std::string name, MatchType op);

  int nesting_ = 0;
  int height_ = 0;  // of the expression that was parsed last
};

/// Whether the token may be the name of a metric.
bool IsMetricName(TokenType type);

}  // namespace barograph::promql
