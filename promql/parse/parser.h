#pragma once

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
};

struct ParseError {
  PositionRange position;
  std::string message;

  /// "line:column: parse error: message", as the HTTP API shows it. `query` is what was parsed.
  std::string Format(std::string_view query) const;
};

/// All errors found, in the order Prometheus reports them; never empty.
using ParseErrors = std::vector<ParseError>;

template <typename T>
using ParseResult = std::expected<T, ParseErrors>;

ParseResult<ExprPtr> ParseExpr(std::string_view query, const ParserOptions& options = {});

/// A selector alone, such as match[] takes: `up{job="x"}`.
ParseResult<Matchers> ParseMetricSelector(std::string_view text);

/// One point of a test script's series: nothing (`_`), a float, or a native histogram.
struct SequenceValue {
  bool omitted = false;
  double value = 0;
  std::optional<FloatHistogram> histogram;
};

/// `metric{a="b"} 1 2+3x4 _ stale {{schema:0 ...}}`.
struct SeriesDescription {
  Labels labels;
  std::vector<SequenceValue> values;
};
ParseResult<SeriesDescription> ParseSeriesDescription(std::string_view text);

}  // namespace barograph::promql
