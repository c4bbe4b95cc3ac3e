#include "promql/parse/token.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/model/number.h"

namespace barograph::promql {
namespace {

struct TokenName {
  std::string_view grammar;  // in Prometheus's grammar
  std::string_view word;     // of keywords, in lower case
};

// In the order of TokenType.
constexpr TokenName kNames[] = {
    {"EOF", ""},
    {"ERROR", ""},
    {"COMMENT", ""},
    {"IDENTIFIER", ""},
    {"METRIC_IDENTIFIER", ""},
    {"STRING", ""},
    {"NUMBER", ""},
    {"DURATION", ""},
    {"LEFT_PAREN", ""},
    {"RIGHT_PAREN", ""},
    {"LEFT_BRACE", ""},
    {"RIGHT_BRACE", ""},
    {"LEFT_BRACKET", ""},
    {"RIGHT_BRACKET", ""},
    {"OPEN_HIST", ""},
    {"CLOSE_HIST", ""},
    {"COMMA", ""},
    {"EQL", ""},
    {"COLON", ""},
    {"BLANK", ""},
    {"TIMES", ""},
    {"SPACE", ""},
    {"ADD", ""},
    {"SUB", ""},
    {"MUL", ""},
    {"DIV", ""},
    {"MOD", ""},
    {"POW", ""},
    {"ATAN2", "atan2"},
    {"EQLC", ""},
    {"NEQ", ""},
    {"GTR", ""},
    {"LSS", ""},
    {"GTE", ""},
    {"LTE", ""},
    {"LAND", "and"},
    {"LOR", "or"},
    {"LUNLESS", "unless"},
    {"TRIM_UPPER", ""},
    {"TRIM_LOWER", ""},
    {"EQL_REGEX", ""},
    {"NEQ_REGEX", ""},
    {"AT", ""},
    {"SUM", "sum"},
    {"AVG", "avg"},
    {"COUNT", "count"},
    {"MIN", "min"},
    {"MAX", "max"},
    {"GROUP", "group"},
    {"STDDEV", "stddev"},
    {"STDVAR", "stdvar"},
    {"TOPK", "topk"},
    {"BOTTOMK", "bottomk"},
    {"COUNT_VALUES", "count_values"},
    {"QUANTILE", "quantile"},
    {"LIMITK", "limitk"},
    {"LIMIT_RATIO", "limit_ratio"},
    {"BOOL", "bool"},
    {"BY", "by"},
    {"GROUP_LEFT", "group_left"},
    {"GROUP_RIGHT", "group_right"},
    {"FILL", "fill"},
    {"FILL_LEFT", "fill_left"},
    {"FILL_RIGHT", "fill_right"},
    {"IGNORING", "ignoring"},
    {"OFFSET", "offset"},
    {"SMOOTHED", "smoothed"},
    {"ANCHORED", "anchored"},
    {"ON", "on"},
    {"WITHOUT", "without"},
    {"START", "start"},
    {"END", "end"},
    {"STEP", "step"},
    {"RANGE", "range"},
    {"MAX_OF", "max_of"},
    {"MIN_OF", "min_of"},
    {"SUM_DESC", "sum"},
    {"COUNT_DESC", "count"},
    {"SCHEMA_DESC", "schema"},
    {"OFFSET_DESC", "offset"},
    {"NEGATIVE_OFFSET_DESC", "n_offset"},
    {"BUCKETS_DESC", "buckets"},
    {"NEGATIVE_BUCKETS_DESC", "n_buckets"},
    {"ZERO_BUCKET_DESC", "z_bucket"},
    {"ZERO_BUCKET_WIDTH_DESC", "z_bucket_w"},
    {"CUSTOM_VALUES_DESC", "custom_values"},
    {"COUNTER_RESET_HINT_DESC", "counter_reset_hint"},
    {"UNKNOWN_COUNTER_RESET", "unknown"},
    {"COUNTER_RESET", "reset"},
    {"NOT_COUNTER_RESET", "not_reset"},
    {"GAUGE_TYPE", "gauge"},
};
static_assert(std::size(kNames) == static_cast<size_t>(TokenType::kHintGauge) + 1);

bool EqualFold(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
}

// The type in [first, last] whose word is `word`, else kEof.
TokenType FindWord(std::string_view word, TokenType first, TokenType last) {
  for (auto i = std::to_underlying(first); i <= std::to_underlying(last); ++i) {
    if (!kNames[i].word.empty() && EqualFold(word, kNames[i].word)) return TokenType{i};
  }
  return TokenType::kEof;
}

// The bytes of the first `count` characters.
std::string_view FirstCharacters(std::string_view text, int count) {
  size_t i = 0;
  for (; i < text.size(); ++i) {
    const bool starts_character = (static_cast<uint8_t>(text[i]) & 0xC0) != 0x80;
    if (starts_character && count-- == 0) break;
  }
  return text.substr(0, i);
}

std::string Shorten(std::string_view text) {
  constexpr size_t kMaxShown = 10;
  if (text.size() <= kMaxShown) return Quote(text);
  return Quote(FirstCharacters(text, kMaxShown)) + "...";
}

// How Prometheus's messages name a token type that has neither a fixed text nor a description of
// its own: by its number in the grammar.
int GrammarNumber(TokenType type) {
  constexpr int kSumDescriptor = 57370;
  constexpr int kUnknownCounterReset = 57445;
  if (type >= TokenType::kHintUnknown) {
    return kUnknownCounterReset + std::to_underlying(type) -
           std::to_underlying(TokenType::kHintUnknown);
  }
  return kSumDescriptor + std::to_underlying(type) - std::to_underlying(TokenType::kSumDescriptor);
}

}  // namespace

std::string_view GrammarName(TokenType type) { return kNames[std::to_underlying(type)].grammar; }

TokenType KeywordType(std::string_view word) {
  if (EqualFold(word, "inf") || EqualFold(word, "nan")) return TokenType::kNumber;
  return FindWord(word, TokenType::kAdd, TokenType::kMinOf);
}

TokenType HistogramDescriptorType(std::string_view word) {
  return FindWord(word, TokenType::kSumDescriptor, TokenType::kCounterResetHintDescriptor);
}

TokenType CounterResetHintType(std::string_view word) {
  return FindWord(word, TokenType::kHintUnknown, TokenType::kHintGauge);
}

std::string Token::Describe() const {
  switch (type) {
    case TokenType::kEof: return "end of input";
    case TokenType::kError: return "error " + std::string(text);
    case TokenType::kComment: return "comment " + Shorten(text);
    case TokenType::kIdentifier: return "identifier " + Quote(text);
    case TokenType::kMetricIdentifier: return "metric identifier " + Quote(text);
    case TokenType::kString: return "string " + Shorten(text);
    case TokenType::kNumber: return "number " + Shorten(text);
    case TokenType::kDuration: return "duration " + Shorten(text);
    default: break;
  }
  if (type >= TokenType::kSumDescriptor) {
    return fmt::format("\"<Item {}>\" {}", GrammarNumber(type), Shorten(text));
  }
  if (type >= TokenType::kBool && type <= TokenType::kWithout) return fmt::format("<{}>", text);
  if (IsAggregator(type)) return fmt::format("<aggr:{}>", text);
  if (type >= TokenType::kAdd && type <= TokenType::kAt) return fmt::format("<op:{}>", text);
  return Shorten(text);
}

}  // namespace barograph::promql
