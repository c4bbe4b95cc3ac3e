#include "base/model/histogram.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <ranges>

#include "base/model/number.h"
#include "base/model/sample.h"

namespace barograph {
namespace {

constexpr size_t kBoundsOfLargestSchema = size_t{1} << kMaxExponentialSchema;

// The bounds of schema 8 in [0.5, 1). Prometheus's table is reproduced to the bit by building
// each schema from the one before: its bounds, and between them each times a root of two. The
// first root is one unit below the nearest double, as it is there.
constexpr std::array<double, kBoundsOfLargestSchema> MakeBounds() {
  constexpr double kHalvedRoots[] = {0.7071067811865475, 0.5946035575013605, 0.5452538663326288,
                                     0.5221368912137069, 0.5109485743270583, 0.5054446430258502,
                                     0.5027149505564014, 0.5013556375251013};
  std::array<double, kBoundsOfLargestSchema> bounds{};
  bounds[0] = 0.5;
  size_t stride = kBoundsOfLargestSchema;
  for (const double halved_root : kHalvedRoots) {
    for (size_t i = 0; i < bounds.size(); i += stride) {
      bounds[i + stride / 2] = bounds[i] * (2 * halved_root);
    }
    stride /= 2;
  }
  return bounds;
}
constexpr std::array kBounds = MakeBounds();

// 2^exponent, except that the bound that would be 2^1024 is the largest double, so that only
// infinite observations are above it.
double ScaledBound(double fraction, int64_t exponent) {
  if (fraction == 0.5 && exponent == 1025) return std::numeric_limits<double>::max();
  return std::ldexp(fraction, static_cast<int>(std::clamp<int64_t>(exponent, -2000, 2000)));
}

bool SameBits(const std::vector<double>& a, const std::vector<double>& b) {
  return std::ranges::equal(a, b, [](double x, double y) { return barograph::SameBits(x, y); });
}

// Groups the buckets that are not empty anew.
void CompactSide(std::vector<BucketSpan>& spans, std::vector<double>& buckets,
                 int max_empty_buckets) {
  std::vector<BucketSpan> new_spans;
  std::vector<double> new_buckets;
  int64_t end = 0;  // the index after the last bucket
  ForEachBucket(spans, buckets, [&](int64_t index, double count) {
    if (count == 0) return;
    const int64_t gap = index - end;
    // Spans that overlap, which no writer should make, are left alone.
    if (!new_spans.empty() && gap >= 0 && gap <= max_empty_buckets) {
      new_buckets.resize(new_buckets.size() + static_cast<size_t>(gap));
      new_spans.back().length += static_cast<uint32_t>(gap) + 1;
    } else {
      new_spans.push_back({.offset = static_cast<int32_t>(gap), .length = 1});
    }
    new_buckets.push_back(count);
    end = index + 1;
  });
  spans = std::move(new_spans);
  buckets = std::move(new_buckets);
}

std::string_view HintName(CounterResetHint hint) {
  switch (hint) {
    case CounterResetHint::kUnknown: return "";
    case CounterResetHint::kReset: return "reset";
    case CounterResetHint::kNotReset: return "not_reset";
    case CounterResetHint::kGauge: return "gauge";
  }
  return "";
}

// Builds {{key:value key:value}}, leaving out what is zero or empty.
class TestExpressionWriter {
 public:
  void Number(std::string_view key, double value) {
    if (value != 0) Field(key, FormatShortest(value));
  }
  void Numbers(std::string_view key, const std::vector<double>& values) {
    std::string text;
    for (const double value : values) text += (text.empty() ? "" : " ") + FormatShortest(value);
    Field(key, "[" + text + "]");
  }
  void Buckets(std::string_view prefix, const std::vector<BucketSpan>& spans,
               const std::vector<double>& buckets) {
    if (buckets.empty()) return;
    if (spans[0].offset != 0)
      Field(fmt::format("{}offset", prefix), std::to_string(spans[0].offset));
    Numbers(fmt::format("{}buckets", prefix), buckets);
  }
  void Field(std::string_view key, std::string_view value) {
    fields_ += fmt::format("{}{}:{}", fields_.empty() ? "" : " ", key, value);
  }
  std::string Finish() const { return "{{" + fields_ + "}}"; }

 private:
  std::string fields_;
};

struct Range {
  double lower;
  double upper;
  bool lower_inclusive;
  bool upper_inclusive;
};

void AppendBucket(std::string& out, const Range& range, double count) {
  out += fmt::format(", {}{},{}{}:{}", range.lower_inclusive ? '[' : '(',
                     FormatShortest(range.lower), FormatShortest(range.upper),
                     range.upper_inclusive ? ']' : ')', FormatShortest(count));
}

Range PositiveRange(const FloatHistogram& histogram, int64_t index) {
  const double lower = UpperBound(histogram, index - 1);
  const bool custom_first = histogram.uses_custom_buckets() && index == 0;
  return {lower, UpperBound(histogram, index), custom_first, true};
}

Range NegativeRange(const FloatHistogram& histogram, int64_t index) {
  return {-UpperBound(histogram, index), -UpperBound(histogram, index - 1), true, false};
}

}  // namespace

double ExponentialBound(int64_t index, int32_t schema) {
  if (schema < kMinExponentialSchema || schema > kMaxExponentialSchema) {
    return std::exp2(static_cast<double>(index) * std::exp2(-static_cast<double>(schema)));
  }
  if (schema < 0) {
    // Beyond this every bound has long been 0 or +Inf, and shifting cannot overflow.
    const int64_t exponent = std::clamp<int64_t>(index, -2000, 2000) * (int64_t{1} << -schema);
    return ScaledBound(0.5, exponent + 1);
  }
  const int64_t mask = (int64_t{1} << schema) - 1;
  const auto slot = static_cast<size_t>((index & mask) << (kMaxExponentialSchema - schema));
  return ScaledBound(kBounds[slot], (index >> schema) + 1);
}

double UpperBound(const FloatHistogram& histogram, int64_t index) {
  if (!histogram.uses_custom_buckets()) return ExponentialBound(index, histogram.schema);
  if (index < 0) return -kInf;
  const auto slot = static_cast<size_t>(index);
  return slot < histogram.custom_values.size() ? histogram.custom_values[slot] : kInf;
}

FloatHistogram& FloatHistogram::Compact(int max_empty_buckets) {
  CompactSide(positive_spans, positive_buckets, max_empty_buckets);
  CompactSide(negative_spans, negative_buckets, max_empty_buckets);
  return *this;
}

std::string FloatHistogram::TestExpression() const {
  // Bounds what filling gaps may cost.
  constexpr int kMaxGap = 1 << 16;
  FloatHistogram compact = *this;
  compact.Compact(kMaxGap);
  if (compact.positive_spans.size() > 1 || compact.negative_spans.size() > 1) return ToString();
  TestExpressionWriter writer;
  writer.Number("schema", compact.schema);
  writer.Number("count", compact.count);
  writer.Number("sum", compact.sum);
  writer.Number("z_bucket", compact.zero_count);
  writer.Number("z_bucket_w", compact.zero_threshold);
  if (uses_custom_buckets()) writer.Numbers("custom_values", compact.custom_values);
  const std::string_view hint = HintName(compact.counter_reset_hint);
  if (!hint.empty()) writer.Field("counter_reset_hint", hint);
  writer.Buckets("", compact.positive_spans, compact.positive_buckets);
  writer.Buckets("n_", compact.negative_spans, compact.negative_buckets);
  return writer.Finish();
}

std::string FloatHistogram::ToString() const {
  std::string out = fmt::format("{{count:{}, sum:{}", FormatShortest(count), FormatShortest(sum));
  std::vector<std::pair<int64_t, double>> negative;
  ForEachBucket(negative_spans, negative_buckets, [&](int64_t index, double bucket) {
    if (bucket != 0) negative.emplace_back(index, bucket);
  });
  for (const auto& [index, bucket] : std::views::reverse(negative)) {
    AppendBucket(out, NegativeRange(*this, index), bucket);
  }
  if (zero_count != 0) {
    AppendBucket(out, {-zero_threshold, zero_threshold, true, true}, zero_count);
  }
  ForEachBucket(positive_spans, positive_buckets, [&](int64_t index, double bucket) {
    if (bucket != 0) AppendBucket(out, PositiveRange(*this, index), bucket);
  });
  return out + "}";
}

bool FloatHistogram::operator==(const FloatHistogram& other) const {
  return counter_reset_hint == other.counter_reset_hint && schema == other.schema &&
         barograph::SameBits(zero_threshold, other.zero_threshold) &&
         barograph::SameBits(zero_count, other.zero_count) &&
         barograph::SameBits(count, other.count) && barograph::SameBits(sum, other.sum) &&
         positive_spans == other.positive_spans && negative_spans == other.negative_spans &&
         SameBits(positive_buckets, other.positive_buckets) &&
         SameBits(negative_buckets, other.negative_buckets) &&
         SameBits(custom_values, other.custom_values);
}

}  // namespace barograph
