#include "server/scrape/openmetrics_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/model/number.h"

namespace barograph::server {
namespace {

std::optional<MetricType> ParseTypeName(std::string_view name) {
  using enum MetricType;
  for (const MetricType type :
       {kUnknown, kCounter, kGauge, kHistogram, kGaugeHistogram, kSummary, kInfo, kStateset}) {
    if (ToString(type) == name) return type;
  }
  return std::nullopt;
}

// Go converts a float that no int64 holds to the smallest one.
int64_t ToMilliseconds(double seconds) {
  const double ms = seconds * 1000;
  constexpr double kLimit = 9223372036854775808.0;  // 2^63
  return ms >= -kLimit && ms < kLimit ? static_cast<int64_t>(ms) : INT64_MIN;
}

std::unexpected<Error> NoEof() {
  return Fail(ErrorCode::kInvalidArgument, "data does not end with # EOF");
}

}  // namespace

Result<Entry> OpenMetricsParser::Next() {
  if (ended_) return Entry::kEnd;
  entry_begin_ = lexer_.at();
  const Token token = NextToken();
  switch (token) {
    case Token::kEofWord:
      if (!lexer_.done()) return Fail(ErrorCode::kInvalidArgument, "unexpected data after # EOF");
      ended_ = true;
      return entry_ = Entry::kEnd;
    case Token::kEnd: return NoEof();
    case Token::kHelp:
    case Token::kType:
    case Token::kUnit: return entry_ = TRY(ParseMetadata(token));
    case Token::kBraceOpen:
    case Token::kMetricName: return entry_ = TRY(ParseSeries(token));
    default: return Unexpected("expected a valid start token", token);
  }
}

std::string OpenMetricsParser::text() const {
  if (entry_ == Entry::kHelp) return UnescapeLabelValue(Bytes(text_));
  return std::string(Bytes(text_));
}

std::optional<ExposedExemplar> OpenMetricsParser::exemplar() const {
  if (!has_exemplar_) return std::nullopt;
  std::vector<Label> labels;
  for (const LabelSpans& label : exemplar_labels_) {
    labels.push_back({Bytes(label.name), Bytes(label.value)});
  }
  return ExposedExemplar{Labels::FromPairs(std::move(labels)), exemplar_value_,
                         exemplar_timestamp_ms_};
}

Token OpenMetricsParser::Became(Token token, LexState state) {
  state_ = state;
  return token;
}

Token OpenMetricsParser::BecameIf(bool found, Token token, LexState state) {
  return found ? Became(token, state) : Token::kInvalid;
}

Token OpenMetricsParser::NextToken() {
  if (lexer_.done()) return Token::kEnd;
  lexer_.BeginToken();
  switch (state_) {
    case LexState::kLineStart: return LexLineStart();
    case LexState::kComment: return LexComment();
    case LexState::kMetaName:
      return BecameIf(lexer_.Peek() == '"' ? lexer_.TakeQuoted(true, false) : lexer_.TakeName(true),
                      Token::kMetricName, LexState::kMetaText);
    case LexState::kMetaText: return LexMetaText();
    case LexState::kLabels: return LexLabels(LexState::kLabelValue);
    case LexState::kExemplarLabels: return LexLabels(LexState::kExemplarValue);
    case LexState::kLabelValue:
      return BecameIf(lexer_.TakeQuoted(false, true), Token::kLabelValue, LexState::kLabels);
    case LexState::kValue:
      if (lexer_.TakeByte('{')) return Became(Token::kBraceOpen, LexState::kLabels);
      return LexAfterLabels(LexState::kTimestamp);
    case LexState::kExemplarValue:
      if (lexer_.Peek() == '"') {
        return BecameIf(lexer_.TakeQuoted(false, false), Token::kLabelValue,
                        LexState::kExemplarLabels);
      }
      return LexAfterLabels(LexState::kExemplarTimestamp);
    case LexState::kTimestamp:
    case LexState::kExemplarTimestamp: return LexAfterValue();
  }
  return Token::kInvalid;
}

Token OpenMetricsParser::LexLineStart() {
  if (lexer_.TakeByte('{')) return Became(Token::kBraceOpen, LexState::kLabels);
  if (lexer_.TakeName(true)) return Became(Token::kMetricName, LexState::kValue);
  return lexer_.TakeWord("# ") ? LexComment() : Token::kInvalid;
}

Token OpenMetricsParser::LexComment() {
  switch (lexer_.Peek()) {
    case 'H': return BecameIf(lexer_.TakeWord("HELP "), Token::kHelp, LexState::kMetaName);
    case 'T': return BecameIf(lexer_.TakeWord("TYPE "), Token::kType, LexState::kMetaName);
    case 'U': return BecameIf(lexer_.TakeWord("UNIT "), Token::kUnit, LexState::kMetaName);
    default: break;
  }
  if (!lexer_.TakeWord("EOF")) return Token::kInvalid;
  lexer_.TakeByte('\n');
  return Became(Token::kEofWord, LexState::kLineStart);
}

Token OpenMetricsParser::LexMetaText() {
  if (!lexer_.TakeByte(' ')) return Token::kInvalid;
  lexer_.TakeLine();
  return BecameIf(lexer_.TakeByte('\n'), Token::kText, LexState::kLineStart);
}

Token OpenMetricsParser::LexLabels(LexState value_state) {
  const bool exemplar = value_state == LexState::kExemplarValue;
  if (lexer_.Peek() == '"') {
    return lexer_.TakeQuoted(!exemplar, false) ? Token::kQuotedString : Token::kInvalid;
  }
  if (lexer_.TakeName(false)) return Token::kLabelName;
  if (lexer_.TakeByte('=')) return Became(Token::kEqual, value_state);
  if (lexer_.TakeByte(',')) return Token::kComma;
  if (!lexer_.TakeByte('}')) return Token::kInvalid;
  return Became(Token::kBraceClose, exemplar ? LexState::kExemplarValue : LexState::kValue);
}

Token OpenMetricsParser::LexAfterLabels(LexState next) {
  return BecameIf(lexer_.TakeByte(' ') && lexer_.TakeUntil(" \n"), Token::kValue, next);
}

Token OpenMetricsParser::LexAfterValue() {
  if (lexer_.TakeByte('\n')) return Became(Token::kLinebreak, LexState::kLineStart);
  if (!lexer_.TakeByte(' ')) return Token::kInvalid;
  const bool hash = lexer_.Peek() == '#';
  if (!lexer_.TakeUntil(" \n")) return Token::kInvalid;
  // " # {" opens an exemplar, but a word that only starts with # is a (wrong) timestamp.
  if (state_ == LexState::kExemplarTimestamp || !hash || lexer_.token() != " #") {
    return Token::kTimestamp;
  }
  if (!lexer_.TakeByte(' ')) return Token::kTimestamp;
  return BecameIf(lexer_.TakeByte('{'), Token::kComment, LexState::kExemplarLabels);
}

Status OpenMetricsParser::ReadLineEnd(size_t offset) {
  lexer_.Seek(offset);
  entry_begin_ = offset;
  state_ = LexState::kTimestamp;
  has_exemplar_ = false;
  labels_.clear();
  return ParseLineEnd();
}

Result<Entry> OpenMetricsParser::ParseMetadata(Token word) {
  TRY(ParseFamilyName(word));
  if (NextToken() != Token::kText) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("expected text in {}", ToString(word)));
  }
  // Between the space and the newline.
  text_ = {lexer_.token_begin() + 1, lexer_.at() - 1};
  switch (word) {
    case Token::kType: TRY(ParseType()); return Entry::kType;
    case Token::kUnit: TRY(CheckUnit()); return Entry::kUnit;
    default: TRY(CheckHelp()); return Entry::kHelp;
  }
}

Status OpenMetricsParser::ParseType() {
  const auto type = ParseTypeName(Bytes(text_));
  if (!type) {
    return Fail(ErrorCode::kInvalidArgument,
                "invalid metric type " + Quote(lexer_.BytesForMessage(text_.begin, text_.end)));
  }
  type_ = *type;
  return {};
}

Status OpenMetricsParser::CheckUnit() const {
  const std::string_view unit = Bytes(text_);
  std::string_view rest = family();
  if (unit.empty()) return {};
  const bool suffix = rest.ends_with(unit);
  if (suffix) rest.remove_suffix(unit.size());
  if (suffix && rest.ends_with('_')) return {};
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("unit {} not a suffix of metric {}",
                          Quote(lexer_.BytesForMessage(text_.begin, text_.end)),
                          Quote(lexer_.BytesForMessage(name_.begin, name_.end))));
}

Result<Entry> OpenMetricsParser::ParseSeries(Token first) {
  labels_.clear();
  has_exemplar_ = false;
  has_name_ = first == Token::kMetricName;
  name_ = token_span();
  series_ = name_;
  Token token = first == Token::kBraceOpen ? first : NextToken();
  if (token == Token::kBraceOpen) {
    TRY(ParseLabels({.commas_needed = true, .metric_name_here = true}));
    series_.end = lexer_.at();
    token = NextToken();
  }
  if (!has_name_) return Invalid("metric name not set");
  value_ = TRY(ParseNumber(token, "metric"));
  value_offset_ = lexer_.token_begin() + 1;
  TRY(ParseLineEnd());
  return Entry::kSeries;
}

Result<double> OpenMetricsParser::ParseNumber(Token token, std::string_view after) {
  if (token != Token::kValue)
    return Unexpected(fmt::format("expected value after {}", after), token);
  const auto value = ParseSampleValue(lexer_.token().substr(1));
  if (!value) return Invalid(value.error().message);
  return *value;
}

Result<int64_t> OpenMetricsParser::ParseTimestamp(std::string_view what) {
  const auto seconds = ParseSampleValue(lexer_.token().substr(1));
  if (!seconds) return Invalid(seconds.error().message);
  if (!std::isfinite(*seconds)) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("invalid {} {}", what, FormatValue(*seconds)));
  }
  return ToMilliseconds(*seconds);
}

Status OpenMetricsParser::ParseLineEnd() {
  Token token = NextToken();
  has_timestamp_ = token == Token::kTimestamp;
  if (has_timestamp_) {
    timestamp_ms_ = TRY(ParseTimestamp("timestamp"));
    token = NextToken();
  }
  if (token == Token::kLinebreak) return {};
  if (token == Token::kComment) return ParseExemplar();
  if (has_timestamp_) return Unexpected("expected next entry after timestamp", token);
  if (token == Token::kEnd) return NoEof();
  return Unexpected("expected timestamp or new record", token);
}

Status OpenMetricsParser::ParseExemplar() {
  const auto series_labels = static_cast<ptrdiff_t>(labels_.size());
  TRY(ParseLabels({.commas_needed = true, .metric_name_here = false}));
  exemplar_labels_.assign(labels_.begin() + series_labels, labels_.end());
  labels_.resize(static_cast<size_t>(series_labels));
  exemplar_value_ = TRY(ParseNumber(NextToken(), "exemplar labels"));
  exemplar_timestamp_ms_.reset();
  has_exemplar_ = true;
  Token token = NextToken();
  if (token == Token::kEnd) return NoEof();
  const bool has_timestamp = token == Token::kTimestamp;
  if (has_timestamp) {
    exemplar_timestamp_ms_ = TRY(ParseTimestamp("exemplar timestamp"));
    token = NextToken();
  }
  if (token == Token::kLinebreak) return {};
  return Unexpected(has_timestamp ? "expected next entry after exemplar timestamp"
                                  : "expected timestamp or comment",
                    token);
}

}  // namespace barograph::server
