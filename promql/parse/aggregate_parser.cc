#include <fmt/format.h>

#include <utility>

#include "promql/parse/expression_parser.h"

/// sum by (job) (x), topk(3, x) without (instance).
namespace barograph::promql {

ExprPtr ExpressionParser::Aggregation(const Token& op) {
  auto aggregate = std::make_unique<AggregateExpr>();
  aggregate->op = ToAggregateOp(op.type);
  std::vector<ExprPtr> arguments;
  bool overread = false;
  if (!AggregationBody(*aggregate, arguments, overread)) {
    Unexpected("aggregation", "");
    return nullptr;
  }
  const int end = overread ? lexer_.EndOfPreviousParen(last_closing_) : last_closing_;
  aggregate->position = {op.start, end};
  SetArguments(*aggregate, std::move(arguments));
  return CheckHeight(aggregate->position) ? std::move(aggregate) : nullptr;
}

// `overread` tells that a token behind the aggregation had to be looked at.
bool ExpressionParser::AggregationBody(AggregateExpr& aggregate, std::vector<ExprPtr>& arguments,
                                       bool& overread) {
  if (!NextIs(TokenType::kLeftParen)) {
    return AggregateModifier(aggregate) && Arguments(arguments);
  }
  if (!Arguments(arguments)) return false;
  if (NextIs(TokenType::kBy) || NextIs(TokenType::kWithout)) return AggregateModifier(aggregate);
  overread = true;
  return true;
}

bool ExpressionParser::AggregateModifier(AggregateExpr& aggregate) {
  aggregate.without = Take().type == TokenType::kWithout;
  return GroupingLabels(aggregate.grouping);
}

void ExpressionParser::SetArguments(AggregateExpr& aggregate, std::vector<ExprPtr> arguments) {
  const PositionRange where = aggregate.position;
  if (arguments.empty()) {
    return AddError(where, "no arguments for aggregate expression provided");
  }
  const bool experimental =
      aggregate.op == AggregateOp::kLimitK || aggregate.op == AggregateOp::kLimitRatio;
  if (experimental && !options_.experimental_functions) {
    return AddError(where, fmt::format("{}() is experimental and must be enabled with "
                                       "--enable-feature=promql-experimental-functions",
                                       ToString(aggregate.op)));
  }
  const size_t wanted = TakesParameter(aggregate.op) ? 2 : 1;
  if (arguments.size() != wanted) {
    return AddError(where, fmt::format("wrong number of arguments for aggregate expression "
                                       "provided, expected {}, got {}",
                                       wanted, arguments.size()));
  }
  if (wanted == 2) aggregate.param = std::move(arguments[0]);
  aggregate.expr = std::move(arguments.back());
}

}  // namespace barograph::promql
