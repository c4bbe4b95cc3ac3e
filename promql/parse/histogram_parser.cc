#include <fmt/format.h>

#include <limits>
#include <utility>

#include "base/model/histogram_arithmetic.h"
#include "promql/parse/literals.h"
#include "promql/parse/series_parser.h"

/// {{schema:1 sum:3 buckets:[1 2]}} in a series description.
namespace barograph::promql {

struct SeriesParser::HistogramDescription {
  FloatHistogram histogram;
  int32_t offset = 0;
  int32_t negative_offset = 0;
  uint32_t seen = 0;  // a bit for each key
};

namespace {

// The run of all buckets.
std::vector<BucketSpan> SpanOf(const std::vector<double>& buckets, int32_t offset) {
  if (buckets.empty()) return {};
  return {{offset, static_cast<uint32_t>(buckets.size())}};
}

std::string_view KeyText(TokenType key) {
  switch (key) {
    case TokenType::kSchemaDescriptor: return "schema";
    case TokenType::kSumDescriptor: return "sum";
    case TokenType::kCountDescriptor: return "count";
    case TokenType::kZeroBucketDescriptor: return "z_bucket";
    case TokenType::kZeroBucketWidthDescriptor: return "z_bucket_w";
    case TokenType::kCustomValuesDescriptor: return "custom_values";
    case TokenType::kBucketsDescriptor: return "buckets";
    case TokenType::kOffsetDescriptor: return "offset";
    case TokenType::kNegativeBucketsDescriptor: return "n_buckets";
    case TokenType::kNegativeOffsetDescriptor: return "n_offset";
    default: return "counter_reset_hint";
  }
}

bool Store(std::optional<double> from, double& to) {
  if (from) to = *from;
  return from.has_value();
}

bool Store(std::optional<int64_t> from, int32_t& to) {
  if (from) to = static_cast<int32_t>(*from);
  return from.has_value();
}

bool Store(std::optional<std::vector<double>> from, std::vector<double>& to) {
  if (!from) return false;
  to = *std::move(from);
  return true;
}

}  // namespace

// One, repeated (x3), or in steps of another (+{{...}}x3).
bool SeriesParser::Histograms(Values& values) {
  auto first = Histogram();
  if (!first) return false;
  if (NextIs(TokenType::kAdd) || NextIs(TokenType::kSub)) {
    const bool subtract = Take().type == TokenType::kSub;
    return HistogramSteps(values, *first, subtract);
  }
  SequenceValue value;
  value.histogram = *std::move(first);
  value.counter_reset_hint_set = hint_set_;
  if (!Accept(TokenType::kTimes)) return Append(values, 1, value);
  const auto times = Repetitions();
  return times && Append(values, *times + 1, value);
}

bool SeriesParser::HistogramSteps(Values& values, const FloatHistogram& first, bool subtract) {
  if (!NextIs(TokenType::kOpenHistogram)) return false;
  const auto step = Histogram();
  if (!step || !Accept(TokenType::kTimes)) return false;
  const auto times = Repetitions();
  if (!times || !HasRoom(values, *times + 1)) return false;
  SequenceValue value;
  value.histogram = first;
  value.counter_reset_hint_set = hint_set_;
  values.push_back(value);
  for (uint64_t i = 0; i < *times; ++i) {
    FloatHistogram& sum = *value.histogram;
    if (sum.schema > step->schema) {
      AddError(last_.position(),
               fmt::format("error combining histograms: cannot merge from schema {} to {}",
                           step->schema, sum.schema));
      return true;
    }
    const auto merged = subtract ? SubtractHistogram(sum, *step) : AddHistogram(sum, *step);
    if (!merged.has_value()) {
      AddError(last_.position(), merged.error().message);
      return true;
    }
    values.push_back(value);
  }
  return true;
}

std::optional<FloatHistogram> SeriesParser::Histogram() {
  Take();
  HistogramDescription description;
  hint_set_ = false;
  const bool spaced = Accept(TokenType::kSpace);
  if (!NextIs(TokenType::kCloseHistogram)) {
    if (spaced || !Description(description)) return std::nullopt;
  }
  Take();
  FloatHistogram& histogram = description.histogram;
  histogram.positive_spans = SpanOf(histogram.positive_buckets, description.offset);
  histogram.negative_spans = SpanOf(histogram.negative_buckets, description.negative_offset);
  return std::move(histogram);
}

// Up to }}, which is not taken.
bool SeriesParser::Description(HistogramDescription& description) {
  if (!DescriptionItem(description)) return false;
  while (!NextIs(TokenType::kCloseHistogram)) {
    if (Accept(TokenType::kSpace)) {
      if (NextIs(TokenType::kCloseHistogram)) return true;
      if (DescriptionItem(description)) continue;
    }
    Unexpected("histogram description", "histogram description key, e.g. buckets:[5 10 7]");
    return false;
  }
  return true;
}

bool SeriesParser::DescriptionItem(HistogramDescription& into) {
  const TokenType key = Peek().type;
  if (key < TokenType::kSumDescriptor || key > TokenType::kCounterResetHintDescriptor) {
    return false;
  }
  Take();
  if (!Accept(TokenType::kColon)) return false;
  const uint32_t bit =
      1U << (static_cast<unsigned>(key) - static_cast<unsigned>(TokenType::kSumDescriptor));
  if ((into.seen & bit) == 0) {
    into.seen |= bit;
    return DescriptionValue(key, into);
  }
  HistogramDescription second;
  if (!DescriptionValue(key, second)) return false;
  AddError({}, fmt::format("duplicate key \"{}\" in histogram", KeyText(key)));
  return true;
}

bool SeriesParser::DescriptionValue(TokenType key, HistogramDescription& into) {
  FloatHistogram& histogram = into.histogram;
  switch (key) {
    case TokenType::kSchemaDescriptor: return Store(Integer(), histogram.schema);
    case TokenType::kSumDescriptor: return Store(SignedNumber(), histogram.sum);
    case TokenType::kCountDescriptor: return Store(SignedNumber(), histogram.count);
    case TokenType::kZeroBucketDescriptor: return Store(SignedNumber(), histogram.zero_count);
    case TokenType::kZeroBucketWidthDescriptor: return Store(Number(), histogram.zero_threshold);
    case TokenType::kCustomValuesDescriptor: return Store(BucketSet(), histogram.custom_values);
    case TokenType::kBucketsDescriptor: return Store(BucketSet(), histogram.positive_buckets);
    case TokenType::kOffsetDescriptor: return Store(Integer(), into.offset);
    case TokenType::kNegativeBucketsDescriptor:
      return Store(BucketSet(), histogram.negative_buckets);
    case TokenType::kNegativeOffsetDescriptor: return Store(Integer(), into.negative_offset);
    default: {
      const auto hint = Hint();
      if (hint) histogram.counter_reset_hint = *hint;
      hint_set_ = true;
      return hint.has_value();
    }
  }
}

std::optional<int64_t> SeriesParser::Integer() {
  const bool negate = Accept(TokenType::kSub);
  if (!NextIs(TokenType::kNumber)) return std::nullopt;
  const Token token = Take();
  const auto value = UnsignedValue(token.text);
  if (!value || *value > std::numeric_limits<int32_t>::max()) {
    AddError(token.position(),
             "invalid repetition in series values: " +
                 (value ? fmt::format("{} does not fit into 32 bits", token.text) : value.error()));
    return 0;
  }
  const auto number = static_cast<int64_t>(*value);
  return negate ? -number : number;
}

std::optional<std::vector<double>> SeriesParser::BucketSet() {
  if (!Accept(TokenType::kLeftBracket)) return std::nullopt;
  std::vector<double> buckets;
  const auto first = SignedNumber();
  if (!first) return std::nullopt;
  buckets.push_back(*first);
  while (!Accept(TokenType::kRightBracket)) {
    if (!Accept(TokenType::kSpace)) {
      if (!SkipBadBuckets()) return std::nullopt;
      continue;
    }
    if (Accept(TokenType::kRightBracket)) break;
    const auto bucket = SignedNumber();
    if (bucket) {
      buckets.push_back(*bucket);
    } else if (!SkipBadBuckets()) {
      return std::nullopt;
    }
  }
  return buckets;
}

// What is no number in a list of buckets is passed over without a message, up to the next space or
// the end of the list.
bool SeriesParser::SkipBadBuckets() {
  while (!NextIs(TokenType::kSpace) && !NextIs(TokenType::kRightBracket)) {
    if (NextIs(TokenType::kEof) || NextIs(TokenType::kError)) return false;
    Take();
  }
  return true;
}

std::optional<CounterResetHint> SeriesParser::Hint() {
  switch (Peek().type) {
    case TokenType::kHintUnknown: Take(); return CounterResetHint::kUnknown;
    case TokenType::kHintReset: Take(); return CounterResetHint::kReset;
    case TokenType::kHintNotReset: Take(); return CounterResetHint::kNotReset;
    case TokenType::kHintGauge: Take(); return CounterResetHint::kGauge;
    default: return std::nullopt;
  }
}

}  // namespace barograph::promql
