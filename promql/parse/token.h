#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "promql/parse/ast.h"

/// The tokens of PromQL and of the series notation of test scripts.
namespace barograph::promql {

enum class TokenType : uint8_t {
  kEof,
  kError,
  kComment,
  kIdentifier,
  kMetricIdentifier,  ///< a name with a colon
  kString,
  kNumber,
  kDuration,

  // Punctuation.
  kLeftParen,
  kRightParen,
  kLeftBrace,
  kRightBrace,
  kLeftBracket,
  kRightBracket,
  kOpenHistogram,
  kCloseHistogram,
  kComma,
  kEqual,
  kColon,
  kBlank,  ///< _ in a series
  kTimes,  ///< x in a series
  kSpace,

  // Operators. kAdd to kUnless in the order of BinaryOp.
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kAtan2,
  kEqualEqual,
  kNotEqual,
  kGreater,
  kLess,
  kGreaterEqual,
  kLessEqual,
  kAnd,
  kOr,
  kUnless,
  kTrimUpper,
  kTrimLower,
  kEqualRegex,
  kNotEqualRegex,
  kAt,

  // Aggregators, in the order of AggregateOp.
  kSum,
  kAvg,
  kCount,
  kMin,
  kMax,
  kGroup,
  kStddev,
  kStdvar,
  kTopK,
  kBottomK,
  kCountValues,
  kQuantile,
  kLimitK,
  kLimitRatio,

  // Keywords.
  kBool,
  kBy,
  kGroupLeft,
  kGroupRight,
  kFill,
  kFillLeft,
  kFillRight,
  kIgnoring,
  kOffset,
  kSmoothed,
  kAnchored,
  kOn,
  kWithout,

  // Keywords that are functions too.
  kStart,
  kEnd,
  kStep,
  kRange,
  kMaxOf,
  kMinOf,

  // Inside {{...}}.
  kSumDescriptor,
  kCountDescriptor,
  kSchemaDescriptor,
  kOffsetDescriptor,
  kNegativeOffsetDescriptor,
  kBucketsDescriptor,
  kNegativeBucketsDescriptor,
  kZeroBucketDescriptor,
  kZeroBucketWidthDescriptor,
  kCustomValuesDescriptor,
  kCounterResetHintDescriptor,
  kHintUnknown,
  kHintReset,
  kHintNotReset,
  kHintGauge,
};

/// The name of the token's type in Prometheus's grammar, such as "LEFT_BRACE".
std::string_view GrammarName(TokenType type);

/// The token's type of a word in any case, as the lexer sees it outside braces: a keyword, an
/// aggregator, a named operator, inf or nan; else kEof.
TokenType KeywordType(std::string_view word);
/// The same for the words inside {{...}}; kEof when there is none.
TokenType HistogramDescriptorType(std::string_view word);
TokenType CounterResetHintType(std::string_view word);

constexpr bool IsBinaryOperator(TokenType t) {
  return t >= TokenType::kAdd && t <= TokenType::kTrimLower;
}
constexpr bool IsAggregator(TokenType t) {
  return t >= TokenType::kSum && t <= TokenType::kLimitRatio;
}
/// Precondition: IsBinaryOperator(t).
constexpr BinaryOp ToBinaryOp(TokenType t) {
  return static_cast<BinaryOp>(static_cast<int>(t) - static_cast<int>(TokenType::kAdd));
}
/// Precondition: IsAggregator(t).
constexpr AggregateOp ToAggregateOp(TokenType t) {
  return static_cast<AggregateOp>(static_cast<int>(t) - static_cast<int>(TokenType::kSum));
}
static_assert(ToBinaryOp(TokenType::kTrimLower) == BinaryOp::kTrimLower);
static_assert(ToAggregateOp(TokenType::kLimitRatio) == AggregateOp::kLimitRatio);

/// A piece of the query. `text` lives as long as the query (kError: the message, until the lexer's
/// next token).
struct Token {
  TokenType type = TokenType::kEof;
  int start = 0;
  std::string_view text;

  PositionRange position() const { return {start, start + static_cast<int>(text.size())}; }

  /// As error messages name it: `identifier "foo"`, `<by>`, `<op:+>`, `end of input`.
  std::string Describe() const;
};

}  // namespace barograph::promql
