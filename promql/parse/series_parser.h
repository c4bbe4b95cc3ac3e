#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "promql/parse/parser_core.h"

namespace barograph::promql {

/// The grammar of series descriptions, and of metrics alone (with Lexer::Language::kExpression).
/// Functions report syntax errors as ExpressionParser's do.
class SeriesParser : public ParserCore {
 public:
  using ParserCore::ParserCore;

  /// The whole text. Without meaning when failed().
  SeriesDescription ParseAll();
  Labels ParseAllAsMetric();

 private:
  using Values = std::vector<SequenceValue>;

  // series_parser.cc
  std::optional<Labels> Metric();
  bool LabelSet(LabelsBuilder& labels);
  bool OneLabel(std::vector<std::pair<std::string, std::string>>& labels);
  bool SeriesValues(Values& values);
  bool Item(Values& values);
  bool Omitted(Values& values);
  bool Floats(Values& values);
  std::optional<double> FirstFloat();
  std::optional<double> SignedNumber();
  std::optional<uint64_t> Repetitions();
  bool Append(Values& values, uint64_t count, const SequenceValue& value);
  bool HasRoom(const Values& values, uint64_t count);

  // histogram_parser.cc
  struct HistogramDescription;
  bool Histograms(Values& values);
  bool HistogramSteps(Values& values, const FloatHistogram& first, bool subtract);
  std::optional<FloatHistogram> Histogram();
  bool Description(HistogramDescription& description);
  bool DescriptionItem(HistogramDescription& into);
  bool DescriptionValue(TokenType key, HistogramDescription& into);
  std::optional<int64_t> Integer();
  std::optional<double> Number();
  std::optional<std::vector<double>> BucketSet();
  bool SkipBadBuckets();
  std::optional<CounterResetHint> Hint();

  bool hint_set_ = false;  // in the histogram that was parsed last
};

}  // namespace barograph::promql
