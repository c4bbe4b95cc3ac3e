#include "promql/parse/series_parser.h"

#include <fmt/format.h>

#include <utility>

#include "base/model/sample.h"
#include "promql/parse/expression_parser.h"
#include "promql/parse/literals.h"

namespace barograph::promql {
namespace {

bool CanStartItem(TokenType type) {
  switch (type) {
    case TokenType::kBlank:
    case TokenType::kIdentifier:
    case TokenType::kNumber:
    case TokenType::kDuration:
    case TokenType::kAdd:
    case TokenType::kSub:
    case TokenType::kOpenHistogram: return true;
    default: return false;
  }
}

}  // namespace

SeriesDescription SeriesParser::ParseAll() {
  SeriesDescription series;
  auto labels = Metric();
  if (!labels) {
    Unexpected("", "");
    return series;
  }
  series.labels = *std::move(labels);
  // A wrong token right behind the metric or inside a value is reported as one of the values; one
  // behind a value, or behind a space, is not.
  const bool no_values = !NextIs(TokenType::kSpace);
  if (no_values ? NextIs(TokenType::kEof) : SeriesValues(series.values)) {
    ExpectEnd();
  } else {
    Unexpected("series values", "");
  }
  return series;
}

Labels SeriesParser::ParseAllAsMetric() {
  auto labels = Metric();
  if (!labels) {
    Unexpected("", "");
    return {};
  }
  ExpectEnd();
  return *std::move(labels);
}

std::optional<Labels> SeriesParser::Metric() {
  std::string name;
  if (IsMetricName(Peek().type)) name = Take().text;
  LabelsBuilder labels;
  if (NextIs(TokenType::kLeftBrace) && !LabelSet(labels)) return std::nullopt;
  if (!name.empty()) labels.Set(kMetricName, name);
  return labels.Build();
}

bool SeriesParser::LabelSet(LabelsBuilder& labels) {
  Take();
  std::vector<std::pair<std::string, std::string>> pairs;
  while (!NextIs(TokenType::kRightBrace)) {
    if (!OneLabel(pairs)) return false;
    if (NextIs(TokenType::kRightBrace)) break;
    if (!Accept(TokenType::kComma)) {
      Unexpected("label set", "\",\" or \"}\"");
      return false;
    }
  }
  Take();
  for (const auto& [name, value] : pairs) labels.Set(name, value);
  return true;
}

bool SeriesParser::OneLabel(std::vector<std::pair<std::string, std::string>>& labels) {
  const bool quoted = NextIs(TokenType::kString);
  if (!quoted && !NextIs(TokenType::kIdentifier)) {
    Unexpected("label set", "identifier or \"}\"");
    return false;
  }
  const Token label = Take();
  std::string name = quoted ? UnquoteString(label) : std::string(label.text);
  if (!NextIs(TokenType::kEqual)) {
    if (!quoted) {
      Unexpected("label set", "\"=\"");
      return false;
    }
    labels.emplace_back(kMetricName, std::move(name));
    return true;
  }
  Take();
  if (!NextIs(TokenType::kString)) {
    Unexpected("label set", "string");
    return false;
  }
  labels.emplace_back(std::move(name), UnquoteString(Take()));
  return true;
}

// Up to what is no value, which should be the end.
bool SeriesParser::SeriesValues(Values& values) {
  while (Accept(TokenType::kSpace)) {
    if (CanStartItem(Peek().type) && !Item(values)) return false;
  }
  return true;
}

bool SeriesParser::Item(Values& values) {
  if (NextIs(TokenType::kBlank)) return Omitted(values);
  if (NextIs(TokenType::kOpenHistogram)) return Histograms(values);
  return Floats(values);
}

// _ or _x3.
bool SeriesParser::Omitted(Values& values) {
  Take();
  uint64_t count = 1;
  if (Accept(TokenType::kTimes)) {
    const auto times = Repetitions();
    if (!times) return false;
    count = *times;
  }
  SequenceValue omitted;
  omitted.omitted = true;
  return Append(values, count, omitted);
}

// 1, 1x3 (four times) or 1+2x3 (1 3 5 7).
bool SeriesParser::Floats(Values& values) {
  const auto first = FirstFloat();
  if (!first) return false;
  SequenceValue value;
  value.value = *first;
  double step = 0;
  const bool steps = NextIs(TokenType::kAdd) || NextIs(TokenType::kSub);
  if (steps) {
    const auto signed_step = SignedNumber();
    if (!signed_step || !NextIs(TokenType::kTimes)) return false;
    step = *signed_step;
  }
  if (!Accept(TokenType::kTimes)) return Append(values, 1, value);
  const auto times = Repetitions();
  if (!times) return false;
  if (!steps) return Append(values, *times + 1, value);
  if (!HasRoom(values, *times + 1)) return false;
  for (uint64_t i = 0; i <= *times; ++i, value.value += step) values.push_back(value);
  return true;
}

std::optional<double> SeriesParser::FirstFloat() {
  if (!NextIs(TokenType::kIdentifier)) return SignedNumber();
  if (Take().text != "stale") Unexpected("series values", "number or \"stale\"");
  return kStaleNan;
}

std::optional<double> SeriesParser::SignedNumber() {
  const bool negate = NextIs(TokenType::kSub);
  if (negate || NextIs(TokenType::kAdd)) Take();
  const auto number = Number();
  return number && negate ? -*number : number;
}

std::optional<double> SeriesParser::Number() {
  if (!NextIs(TokenType::kNumber) && !NextIs(TokenType::kDuration)) return std::nullopt;
  return NumberOf(Take());
}

std::optional<uint64_t> SeriesParser::Repetitions() {
  if (!NextIs(TokenType::kNumber)) return std::nullopt;
  const Token token = Take();
  const auto count = UnsignedValue(token.text);
  if (!count) {
    AddError(token.position(), "invalid repetition in series values: " + count.error());
    return 0;
  }
  // The limit; and one more value than repetitions is written, which must not overflow.
  if (*count > options_.max_series_values) {
    Stop(token.position(),
         fmt::format("series has more than the limit of {} values", options_.max_series_values));
    return std::nullopt;
  }
  return *count;
}

bool SeriesParser::HasRoom(const Values& values, uint64_t count) {
  if (values.size() + count <= options_.max_series_values) return true;
  Stop(last_.position(),
       fmt::format("series has more than the limit of {} values", options_.max_series_values));
  return false;
}

bool SeriesParser::Append(Values& values, uint64_t count, const SequenceValue& value) {
  if (!HasRoom(values, count)) return false;
  values.insert(values.end(), count, value);
  return true;
}

}  // namespace barograph::promql
