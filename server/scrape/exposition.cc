#include "server/scrape/exposition.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/model/number.h"
#include "base/model/sample.h"

namespace barograph::server {
namespace {

// Whether `text` reads as a decimal number, if of a size that no double has.
bool IsDecimal(std::string_view text) {
  const auto take_digits = [&text] {
    size_t count = 0;
    while (count < text.size() && text[count] >= '0' && text[count] <= '9') ++count;
    text.remove_prefix(count);
    return count;
  };
  const auto take_sign = [&text] {
    if (!text.empty() && (text[0] == '+' || text[0] == '-')) text.remove_prefix(1);
  };
  take_sign();
  size_t digits = take_digits();
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    digits += take_digits();
  }
  if (digits == 0) return false;
  if (text.empty()) return true;
  if (text[0] != 'e' && text[0] != 'E') return false;
  text.remove_prefix(1);
  take_sign();
  return take_digits() > 0 && text.empty();
}

std::string Unescape(std::string_view text, bool quotes) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const char next = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
    const bool escape = next == '\\' || next == 'n' || (next == '"' && quotes);
    out += escape ? (next == 'n' ? '\n' : next) : text[i];
    if (escape) ++i;
  }
  return out;
}

bool WantsCanonicalFloat(MetricType type, std::string_view label) {
  return (type == MetricType::kHistogram && label == "le") ||
         (type == MetricType::kSummary && label == "quantile");
}

}  // namespace

std::string_view ToString(MetricType type) {
  switch (type) {
    case MetricType::kUnknown: return "unknown";
    case MetricType::kCounter: return "counter";
    case MetricType::kGauge: return "gauge";
    case MetricType::kHistogram: return "histogram";
    case MetricType::kGaugeHistogram: return "gaugehistogram";
    case MetricType::kSummary: return "summary";
    case MetricType::kInfo: return "info";
    case MetricType::kStateset: return "stateset";
  }
  return "unknown";
}

Result<double> ParseSampleValue(std::string_view text) {
  if (text.find_first_of("pP_") != text.npos) {
    return Fail(ErrorCode::kInvalidArgument, "unsupported character in float");
  }
  if (const auto value = ParseValue(text)) return *value;
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("strconv.ParseFloat: parsing {}: {}", Quote(text.substr(0, 1024)),
                          IsDecimal(text) ? "value out of range" : "invalid syntax"));
}

std::string CanonicalFloat(std::string_view text) {
  const auto value = ParseValue(text);
  if (!value) return std::string(text);
  std::string out = FormatShortest(*value);
  // NaN and +Inf are whole already.
  if (out.find_first_of(".eN") == out.npos && out.find("Inf") == out.npos) out += ".0";
  return out;
}

std::string UnescapeLabelValue(std::string_view text) { return Unescape(text, true); }
std::string UnescapeHelp(std::string_view text) { return Unescape(text, false); }

void ExpositionParser::Seek(size_t offset, MetricType type) {
  lexer_.Seek(offset);
  state_ = LexState::kLineStart;
  type_ = type;
}

Result<Labels> ExpositionParser::labels() const {
  LabelsBuilder builder;
  builder.Set(kMetricName, UnescapeLabelValue(Bytes(name_)));
  for (const LabelSpans& label : labels_) {
    const std::string name = UnescapeLabelValue(Bytes(label.name));
    std::string value = UnescapeLabelValue(Bytes(label.value));
    if (WantsCanonicalFloat(type_, name)) value = CanonicalFloat(value);
    if (!builder.Get(name).empty()) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("label name {} is not unique: invalid sample", Quote(name)));
    }
    builder.Set(name, value);
  }
  return builder.Build();
}

Status ExpositionParser::ParseLabels(LabelListRules rules) {
  Token token = NextToken();
  while (token != Token::kBraceClose) {
    if (token != Token::kLabelName && token != Token::kQuotedString) {
      return Unexpected("expected label name", token);
    }
    const bool quoted = token == Token::kQuotedString;
    Span name = token_span();
    if (quoted) name = {name.begin + 1, name.end - 1};
    token = NextToken();

    if (quoted && (token == Token::kComma || token == Token::kBraceClose)) {
      if (!rules.metric_name_here) return Unexpected("expected label name", token);
      if (has_name_) {
        return Fail(ErrorCode::kInvalidArgument,
                    "metric name already set while parsing: " +
                        Quote(lexer_.BytesForMessage(entry_begin_, lexer_.at())));
      }
      name_ = name;
      has_name_ = true;
      if (token == Token::kComma) token = NextToken();
      continue;
    }

    if (token != Token::kEqual) return Unexpected("expected equal", token);
    token = NextToken();
    if (token != Token::kLabelValue) return Unexpected("expected label value", token);
    if (!IsValidUtf8(lexer_.token())) {
      return Fail(ErrorCode::kInvalidArgument,
                  "invalid UTF-8 label value: " +
                      Quote(lexer_.BytesForMessage(lexer_.token_begin(), lexer_.at())));
    }
    labels_.push_back({name, {lexer_.token_begin() + 1, lexer_.at() - 1}});

    token = NextToken();
    if (token == Token::kComma) {
      token = NextToken();
    } else if (rules.commas_needed && token != Token::kBraceClose) {
      return Unexpected("expected comma or brace close", token);
    }
  }
  return {};
}

Status ExpositionParser::ParseFamilyName(Token word) {
  const Token token = NextToken();
  if (token != Token::kMetricName) {
    return Unexpected(fmt::format("expected metric name after {}", ToString(word)), token);
  }
  name_ = token_span();
  if (lexer_.token().starts_with('"')) name_ = {name_.begin + 1, name_.end - 1};
  return {};
}

Status ExpositionParser::CheckHelp() const {
  if (IsValidUtf8(Bytes(text_))) return {};
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("help text {} is not a valid utf8 string",
                          Quote(lexer_.BytesForMessage(text_.begin, text_.end))));
}

std::unexpected<Error> ExpositionParser::Unexpected(std::string_view wanted, Token got) const {
  // Past the end of the page there is the newline that every page ends with.
  const size_t end = lexer_.end_for_message();
  const auto quote = [&](size_t begin) {
    std::string text(lexer_.BytesForMessage(begin, end));
    if (end > lexer_.page().size()) text += '\n';
    return Quote(text);
  };
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("{}, got {} (\"{}\") while parsing: {}", wanted,
                          quote(lexer_.token_begin()), ToString(got), quote(entry_begin_)));
}

std::unexpected<Error> ExpositionParser::Invalid(std::string_view what) const {
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("{} while parsing: {}", what,
                          Quote(lexer_.BytesForMessage(entry_begin_, lexer_.at()))));
}

}  // namespace barograph::server
