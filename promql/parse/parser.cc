#include "promql/parse/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "promql/parse/expression_parser.h"
#include "promql/parse/series_parser.h"
#include "promql/parse/type_check.h"

namespace barograph::promql {
namespace {

// A text that is too long is refused unread: positions are ints.
std::optional<ParseErrors> CheckSize(std::string_view text, const ParserOptions& options) {
  constexpr size_t kMostPositions = 0x7fff'0000;
  const size_t limit = std::min(options.max_query_bytes, kMostPositions);
  if (text.size() <= limit) return std::nullopt;
  return ParseErrors{
      {{}, fmt::format("text has {} bytes, more than the limit of {}", text.size(), limit)}};
}

}  // namespace

std::string ParseError::Format(std::string_view query) const {
  if (position.start < 0 || std::cmp_greater(position.start, query.size())) {
    return "invalid position: parse error: " + message;
  }
  const std::string_view before = query.substr(0, static_cast<size_t>(position.start));
  const auto line = std::ranges::count(before, '\n') + 1;
  const size_t line_break = before.rfind('\n');
  const size_t column =
      before.size() - (line_break == std::string_view::npos ? 0 : line_break + 1) + 1;
  return fmt::format("{}:{}: parse error: {}", line, column, message);
}

ParseResult<ExprPtr> ParseExpr(std::string_view query, const ParserOptions& options) {
  if (auto errors = CheckSize(query, options)) return std::unexpected(*std::move(errors));
  ExpressionParser parser(query, options);
  ExprPtr expr = parser.ParseAll();
  ParseErrors errors = parser.TakeErrors();
  if (errors.empty()) CheckTypes(*expr, query, errors);
  if (!errors.empty()) return std::unexpected(std::move(errors));
  return expr;
}

ParseResult<Matchers> ParseMetricSelector(std::string_view text, const ParserOptions& options) {
  if (auto errors = CheckSize(text, options)) return std::unexpected(*std::move(errors));
  ExpressionParser parser(text, options);
  const auto selector = parser.ParseAllAsSelector();
  if (parser.failed()) return std::unexpected(parser.TakeErrors());
  return std::move(selector->matchers);
}

ParseResult<Labels> ParseMetric(std::string_view text, const ParserOptions& options) {
  if (auto errors = CheckSize(text, options)) return std::unexpected(*std::move(errors));
  SeriesParser parser(text, Lexer::Language::kExpression, options);
  Labels labels = parser.ParseAllAsMetric();
  if (parser.failed()) return std::unexpected(parser.TakeErrors());
  return labels;
}

ParseResult<SeriesDescription> ParseSeriesDescription(std::string_view text,
                                                      const ParserOptions& options) {
  if (auto errors = CheckSize(text, options)) return std::unexpected(*std::move(errors));
  SeriesParser parser(text, Lexer::Language::kSeries, options);
  SeriesDescription series = parser.ParseAll();
  if (parser.failed()) return std::unexpected(parser.TakeErrors());
  return series;
}

}  // namespace barograph::promql
