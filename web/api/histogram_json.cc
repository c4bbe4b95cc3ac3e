#include <algorithm>
#include <vector>

#include "base/model/histogram.h"
#include "web/api/value_json.h"

namespace barograph::web {
namespace {

struct Bucket {
  double lower = 0;
  double upper = 0;
  double count = 0;
  bool lower_inclusive = false;
  bool upper_inclusive = false;
};

Bucket MakeBucket(int64_t index, double count, bool positive, const FloatHistogram& histogram) {
  const double near = UpperBound(histogram, index - 1);
  const double far = UpperBound(histogram, index);
  Bucket bucket{.lower = positive ? near : -far, .upper = positive ? far : -near, .count = count};
  if (histogram.uses_custom_buckets()) {
    bucket.lower_inclusive = index == 0;
    bucket.upper_inclusive = true;
    return bucket;
  }
  bucket.lower_inclusive = bucket.lower < 0;
  bucket.upper_inclusive = bucket.upper > 0;
  const double zero = histogram.zero_threshold;
  if (positive && bucket.lower < zero) bucket.lower = zero;
  if (!positive && bucket.upper > -zero) bucket.upper = -zero;
  return bucket;
}

std::vector<Bucket> Buckets(const std::vector<BucketSpan>& spans, const std::vector<double>& counts,
                            bool positive, const FloatHistogram& histogram) {
  std::vector<Bucket> buckets;
  ForEachBucket(spans, counts, [&](int64_t index, double count) {
    if (count != 0) buckets.push_back(MakeBucket(index, count, positive, histogram));
  });
  return buckets;
}

int BoundaryRule(const Bucket& bucket) {
  if (bucket.lower_inclusive) return bucket.upper_inclusive ? 3 : 1;
  return bucket.upper_inclusive ? 0 : 2;
}

void WriteBucket(JsonWriter& json, const Bucket& bucket) {
  json.BeginArray();
  json.Int(BoundaryRule(bucket));
  json.SampleValue(bucket.lower);
  json.SampleValue(bucket.upper);
  json.SampleValue(bucket.count);
  json.EndArray();
}

}  // namespace

void WriteHistogram(JsonWriter& json, const FloatHistogram& histogram) {
  std::vector<Bucket> buckets =
      Buckets(histogram.negative_spans, histogram.negative_buckets, false, histogram);
  std::ranges::reverse(buckets);
  // As Prometheus does, which leaves out a negative one.
  if (histogram.zero_count > 0)
    buckets.push_back({.lower = -histogram.zero_threshold,
                       .upper = histogram.zero_threshold,
                       .count = histogram.zero_count,
                       .lower_inclusive = true,
                       .upper_inclusive = true});
  const auto positive =
      Buckets(histogram.positive_spans, histogram.positive_buckets, true, histogram);
  buckets.insert(buckets.end(), positive.begin(), positive.end());

  json.BeginObject();
  json.Key("count");
  json.SampleValue(histogram.count);
  json.Key("sum");
  json.SampleValue(histogram.sum);
  if (!buckets.empty()) {
    json.Key("buckets");
    json.BeginArray();
    for (const auto& bucket : buckets) WriteBucket(json, bucket);
    json.EndArray();
  }
  json.EndObject();
}

}  // namespace barograph::web
