#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

/// Native histograms, in the float form in which queries see them
/// (prometheus.io/docs/specs/native_histograms).
namespace barograph {

/// Schemas -4..8 have exponential buckets with the growth factor 2^(2^-schema); this one has
/// explicit upper bounds (`custom_values`) and no zero or negative buckets.
inline constexpr int32_t kCustomBucketsSchema = -53;
inline constexpr int32_t kMinExponentialSchema = -4;
inline constexpr int32_t kMaxExponentialSchema = 8;

/// A run of consecutive buckets: `offset` is the gap to the run before (or the first index).
struct BucketSpan {
  int32_t offset = 0;
  uint32_t length = 0;
  bool operator==(const BucketSpan&) const = default;
};

enum class CounterResetHint : uint8_t { kUnknown, kReset, kNotReset, kGauge };

/// A value type. Bucket counts are absolute, not deltas; there is one for each index that the
/// spans cover, in order. A histogram with a sum of kStaleNan is a staleness marker.
struct FloatHistogram {
  CounterResetHint counter_reset_hint = CounterResetHint::kUnknown;
  int32_t schema = 0;
  double zero_threshold = 0;
  double zero_count = 0;
  double count = 0;
  double sum = 0;
  std::vector<BucketSpan> positive_spans;
  std::vector<BucketSpan> negative_spans;
  std::vector<double> positive_buckets;
  std::vector<double> negative_buckets;
  std::vector<double> custom_values;

  bool uses_custom_buckets() const { return schema == kCustomBucketsSchema; }

  /// Drops empty buckets at the ends of spans and merges spans over gaps of at most
  /// `max_empty_buckets`, so that equal histograms have equal representations.
  FloatHistogram& Compact(int max_empty_buckets);

  /// The notation of test scripts: {{schema:1 count:3.1 sum:-0.3 buckets:[5.1 10 7]}}. It has one
  /// run of buckets a side; a histogram whose buckets lie too far apart for that prints as
  /// ToString does.
  std::string TestExpression() const;

  /// As an API result or a log shows it: {count:3.1, sum:-0.3, [lower,upper]:count, ...}.
  std::string ToString() const;

  /// Bit for bit, representation included.
  bool operator==(const FloatHistogram& other) const;
};

/// The upper bound of bucket `index` of an exponential schema, to the last bit as Prometheus has
/// it: the last finite bucket ends at the largest double, the next at +Inf. Bucket `index` holds
/// (bound(index - 1), bound(index)].
double ExponentialBound(int64_t index, int32_t schema);

/// The same for any histogram: with custom buckets, index -1 ends at -Inf, the values follow, and
/// the last bucket ends at +Inf.
double UpperBound(const FloatHistogram& histogram, int64_t index);

/// Calls visit(index, count) for each bucket that the spans cover, in index order.
template <typename Visit>
void ForEachBucket(const std::vector<BucketSpan>& spans, const std::vector<double>& buckets,
                   Visit&& visit) {
  size_t next = 0;
  int64_t index = 0;
  for (const BucketSpan& span : spans) {
    index += span.offset;
    for (uint32_t i = 0; i < span.length && next < buckets.size(); ++i) {
      visit(index++, buckets[next++]);
    }
  }
}

}  // namespace barograph
