#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/model/histogram.h"
#include "base/model/labels.h"
#include "promql/parse/ast.h"

/// Text to tree: the grammar of Prometheus 3.14's parser, its checks of types, and its error
/// texts and positions.
namespace barograph::promql {

/// Prometheus's --enable-feature flags that only add syntax are on by default here; the
/// conformance runner turns some off.
struct ParserOptions {
  bool experimental_functions = true;
  bool duration_expressions = true;
  bool extended_range_selectors = true;
  bool fill_modifiers = true;

  /// How deep parentheses, calls, signs and operands may be nested: each level costs the parser
  /// stack.
  int max_nesting = 500;
  /// How high a tree may be; a chain of n operators is n high. Walks over a tree may recurse.
  int max_height = 2000;
  size_t max_query_bytes = size_t{16} << 20;
  /// Of a series description, with its repetitions written out.
  size_t max_series_values = 1'000'000;
};

struct ParseError {
  PositionRange position;
  std::string message;

  /// "line:column: parse error: message", as the HTTP API shows it. `query` is what was parsed.
  std::string Format(std::string_view query) const;
};

/// The errors found, in the order in which Prometheus finds them; never empty. The first is the one
/// to show. A syntax error ends the parsing, so it is the last.
using ParseErrors = std::vector<ParseError>;

template <typename T>
using ParseResult = std::expected<T, ParseErrors>;

ParseResult<ExprPtr> ParseExpr(std::string_view query, const ParserOptions& options = {});

/// A selector alone, such as match[] takes: `up{job="x"}`. `{}` is allowed; the caller decides.
ParseResult<Matchers> ParseMetricSelector(std::string_view text, const ParserOptions& options = {});

/// The name of one series: `up{job="x"}`.
ParseResult<Labels> ParseMetric(std::string_view text, const ParserOptions& options = {});

/// One point of a test script's series: nothing (`_`), a float, or a native histogram.
struct SequenceValue {
  bool omitted = false;
  double value = 0;
  std::optional<FloatHistogram> histogram;
  bool counter_reset_hint_set = false;  ///< the histogram's hint was written, not left out
};

/// `metric{a="b"} 1 2+3x4 _ stale {{schema:0 ...}}`.
struct SeriesDescription {
  Labels labels;
  std::vector<SequenceValue> values;
};
ParseResult<SeriesDescription> ParseSeriesDescription(std::string_view text,
                                                      const ParserOptions& options = {});

}  // namespace barograph::promql
