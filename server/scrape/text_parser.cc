#include "server/scrape/text_parser.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "base/model/number.h"

namespace barograph::server {
namespace {

std::optional<MetricType> ParseTypeName(std::string_view name) {
  if (name == "counter") return MetricType::kCounter;
  if (name == "gauge") return MetricType::kGauge;
  if (name == "histogram") return MetricType::kHistogram;
  if (name == "summary") return MetricType::kSummary;
  if (name == "untyped") return MetricType::kUnknown;
  return std::nullopt;
}

}  // namespace

Result<Entry> TextParser::Next() {
  for (;;) {
    entry_begin_ = lexer_.at();
    const Token token = NextToken();
    switch (token) {
      case Token::kEnd: return entry_ = Entry::kEnd;
      case Token::kLinebreak: continue;
      case Token::kHelp:
      case Token::kType: return entry_ = TRY(ParseMetadata(token));
      case Token::kComment: return entry_ = TRY(ParseComment());
      case Token::kBraceOpen:
      case Token::kMetricName: return entry_ = TRY(ParseSeries(token));
      default: return Unexpected("expected a valid start token", token);
    }
  }
}

std::string TextParser::text() const {
  if (entry_ == Entry::kHelp) return UnescapeHelp(Bytes(text_));
  return std::string(Bytes(text_));
}

// Blanks count nowhere.
Token TextParser::NextToken() {
  Token token = Lex();
  while (token == Token::kWhitespace) token = Lex();
  return token;
}

Token TextParser::Became(Token token, LexState state) {
  state_ = state;
  return token;
}

Token TextParser::Lex() {
  if (lexer_.done()) return Token::kEnd;
  lexer_.BeginToken();
  // Blanks start a help text; everywhere else they stand alone.
  if (state_ == LexState::kMetaText) {
    lexer_.TakeLine();
    return Became(Token::kText, LexState::kLineStart);
  }
  if (lexer_.TakeBlanks() > 0) return Token::kWhitespace;
  switch (state_) {
    case LexState::kLineStart: return LexLineStart();
    case LexState::kMetaName:
      if (lexer_.Peek() == '"' ? !lexer_.TakeQuoted(true, false) : !lexer_.TakeName(true)) break;
      return Became(Token::kMetricName, LexState::kMetaText);
    case LexState::kLabels: return LexLabels();
    case LexState::kLabelValue:
      if (!lexer_.TakeQuoted(true, true)) break;
      return Became(Token::kLabelValue, LexState::kLabels);
    case LexState::kValue:
      if (lexer_.TakeByte('{')) return Became(Token::kBraceOpen, LexState::kLabels);
      if (!lexer_.TakeUntil("{ \t\n")) break;
      return Became(Token::kValue, LexState::kTimestamp);
    case LexState::kTimestamp:
      if (lexer_.TakeByte('\n')) return Became(Token::kLinebreak, LexState::kLineStart);
      if (lexer_.TakeDigits()) return Token::kTimestamp;
      break;
    default: break;
  }
  return Token::kInvalid;
}

Token TextParser::LexLineStart() {
  if (lexer_.TakeByte('\n')) return Token::kLinebreak;
  if (lexer_.TakeByte('#')) return LexComment();
  if (lexer_.TakeByte('{')) return Became(Token::kBraceOpen, LexState::kLabels);
  if (lexer_.TakeName(true)) return Became(Token::kMetricName, LexState::kValue);
  return Token::kInvalid;
}

Token TextParser::LexComment() {
  const size_t blanks = lexer_.TakeBlanks();
  const bool help = lexer_.Peek() == 'H';
  if (blanks > 0 && lexer_.TakeWord(help ? "HELP" : "TYPE") && lexer_.TakeBlanks() > 0) {
    return Became(help ? Token::kHelp : Token::kType, LexState::kMetaName);
  }
  lexer_.TakeLine();
  return Became(Token::kComment, LexState::kLineStart);
}

Token TextParser::LexLabels() {
  if (lexer_.Peek() == '"') {
    return lexer_.TakeQuoted(true, false) ? Token::kQuotedString : Token::kInvalid;
  }
  if (lexer_.TakeName(false)) return Token::kLabelName;
  if (lexer_.TakeByte('}')) return Became(Token::kBraceClose, LexState::kValue);
  if (lexer_.TakeByte('=')) return Became(Token::kEqual, LexState::kLabelValue);
  if (lexer_.TakeByte(',')) return Token::kComma;
  return Token::kInvalid;
}

Result<Entry> TextParser::ParseMetadata(Token word) {
  TRY(ParseFamilyName(word));
  // In this state the rest of the line is text, whatever it is; its first byte is a separator.
  NextToken();
  text_ = token_span();
  if (Bytes(text_).find_first_not_of(" \t") == std::string_view::npos) {
    text_.begin = text_.end;
  } else {
    ++text_.begin;
  }
  TRY(word == Token::kType ? ParseType() : CheckHelp());
  const Token end = NextToken();
  if (end != Token::kLinebreak) return Unexpected("linebreak expected after metadata", end);
  return word == Token::kType ? Entry::kType : Entry::kHelp;
}

Status TextParser::ParseType() {
  const auto type = ParseTypeName(Bytes(text_));
  if (!type) {
    return Fail(ErrorCode::kInvalidArgument,
                "invalid metric type " + Quote(lexer_.BytesForMessage(text_.begin, text_.end)));
  }
  type_ = *type;
  return {};
}

Result<Entry> TextParser::ParseComment() {
  text_ = token_span();
  const Token end = NextToken();
  if (end != Token::kLinebreak) return Unexpected("linebreak expected after comment", end);
  return Entry::kComment;
}

Result<Entry> TextParser::ParseSeries(Token first) {
  labels_.clear();
  has_name_ = first == Token::kMetricName;
  name_ = token_span();
  series_ = name_;
  Token token = first == Token::kBraceOpen ? first : NextToken();
  if (token == Token::kBraceOpen) {
    TRY(ParseLabels({.commas_needed = false, .metric_name_here = true}));
    series_.end = lexer_.at();
    token = NextToken();
  }
  if (!has_name_) return Invalid("metric name not set");
  if (token != Token::kValue) return Unexpected("expected value after metric", token);

  value_offset_ = lexer_.token_begin();
  const auto value = ParseSampleValue(lexer_.token());
  if (!value) return Invalid(value.error().message);
  value_ = *value;

  token = NextToken();
  has_timestamp_ = token == Token::kTimestamp;
  if (has_timestamp_) {
    TRY(ParseTimestamp());
  } else if (token != Token::kLinebreak) {
    return Unexpected("expected timestamp or new record", token);
  }
  return Entry::kSeries;
}

Status TextParser::ParseTimestamp() {
  const std::string_view digits = lexer_.token();
  const auto [stop, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), timestamp_ms_);
  if (error != std::errc()) {
    return Invalid(fmt::format("strconv.ParseInt: parsing {}: value out of range",
                               Quote(digits.substr(0, 1024))));
  }
  const Token end = NextToken();
  if (end != Token::kLinebreak) return Unexpected("expected next entry after timestamp", end);
  return {};
}

}  // namespace barograph::server
