#include "promql/func/native_histogram.h"

#include <algorithm>
#include <cmath>
#include <ranges>
#include <string_view>

#include "base/model/kahan_sum.h"
#include "base/model/sample.h"

namespace barograph::promql {
namespace {

// Cuts off what the zero bucket covers.
NativeBucket OutsideZero(NativeBucket bucket, double zero_threshold) {
  if (bucket.lower > 0 && bucket.lower < zero_threshold) {
    bucket.lower = zero_threshold;
  } else if (bucket.upper < 0 && bucket.upper > -zero_threshold) {
    bucket.upper = -zero_threshold;
  }
  return bucket;
}

// Observations around zero are on the side on which there are others.
void NarrowToPopulatedSide(NativeBucket& bucket, const FloatHistogram& histogram) {
  const bool negative = !histogram.negative_buckets.empty();
  const bool positive = !histogram.positive_buckets.empty();
  if (!negative && positive) bucket.lower = 0;
  if (!positive && negative) bucket.upper = 0;
}

// The fraction of a bucket that is below a value inside it.
double FractionBelow(const NativeBucket& bucket, double value, bool linear) {
  if (linear) return (value - bucket.lower) / (bucket.upper - bucket.lower);
  const double lower = std::log2(std::fabs(bucket.lower));
  const double upper = std::log2(std::fabs(bucket.upper));
  const double at = std::log2(std::fabs(value));
  return value > 0 ? (at - lower) / (upper - lower) : 1 - (at - upper) / (lower - upper);
}

double ValueInBucket(const NativeBucket& bucket, double fraction, bool custom) {
  if (custom || (bucket.lower <= 0 && bucket.upper >= 0)) {
    return bucket.lower + (bucket.upper - bucket.lower) * fraction;
  }
  const double lower = std::log2(std::fabs(bucket.lower));
  const double upper = std::log2(std::fabs(bucket.upper));
  if (bucket.lower > 0) return std::exp2(lower + (upper - lower) * fraction);
  return -std::exp2(upper + (lower - upper) * (1 - fraction));
}

// Looks for a quantile from the end that is nearer to it; from the lower one where NaN
// observations, which would all be above the last bucket, count.
class QuantileSearch {
 public:
  QuantileSearch(double q, const FloatHistogram& histogram)
      : histogram_(histogram),
        has_nan_(std::isnan(histogram.sum)),
        upwards_(has_nan_ || q < 0.5),
        rank_((upwards_ ? q : 1 - q) * histogram.count),
        buckets_(BucketsOf(histogram)) {
    if (!upwards_) std::ranges::reverse(buckets_);
  }

  NativeEstimate Run() {
    Find();
    const bool custom = histogram_.uses_custom_buckets();
    if (custom) {
      if (bucket_.lower == -kInf) {
        if (bucket_.upper <= 0) return {bucket_.upper};
        bucket_.lower = 0;
      } else if (bucket_.upper == kInf) {
        return {bucket_.lower};
      }
    } else if (bucket_.lower < 0 && bucket_.upper > 0) {
      NarrowToPopulatedSide(bucket_, histogram_);
    }
    counted_ = std::min(counted_, histogram_.count);
    if (counted_ < rank_) {
      if (has_nan_) return {kNormalNan, NanEffect::kQuantileIsNan};
      return {bucket_.upper};
    }
    const double rank = upwards_ ? rank_ - (counted_ - bucket_.count) : counted_ - rank_;
    return {ValueInBucket(bucket_, rank / bucket_.count, custom), EffectOfNan()};
  }

 private:
  void Find() {
    for (; next_ < buckets_.size(); ++next_) {
      bucket_ = buckets_[next_];
      if (bucket_.count == 0) continue;
      counted_ += bucket_.count;
      if (counted_ >= rank_) break;
    }
  }

  NanEffect EffectOfNan() const {
    if (!has_nan_) return NanEffect::kNone;
    double counted = counted_;
    for (size_t i = next_ + 1; i < buckets_.size(); ++i) counted += buckets_[i].count;
    return counted < histogram_.count ? NanEffect::kQuantileIsSkewed : NanEffect::kNone;
  }

  const FloatHistogram& histogram_;
  bool has_nan_;
  bool upwards_;
  double rank_;
  std::vector<NativeBucket> buckets_;
  size_t next_ = 0;
  NativeBucket bucket_{0, 0, 0};
  double counted_ = 0;
};

// How many observations are below a value.
double RankOf(double value, const std::vector<NativeBucket>& buckets,
              const FloatHistogram& histogram) {
  double rank = 0;
  for (NativeBucket bucket : buckets) {
    const bool around_zero = bucket.lower <= 0 && bucket.upper >= 0;
    if (around_zero) NarrowToPopulatedSide(bucket, histogram);
    if (bucket.lower >= value) return rank;
    if (bucket.upper > value) {
      const bool linear = histogram.uses_custom_buckets() || around_zero;
      if (linear && bucket.lower == -kInf) return bucket.count;
      return rank + bucket.count * FractionBelow(bucket, value, linear);
    }
    rank += bucket.count;
  }
  return kInf;
}

double MiddleOf(const NativeBucket& bucket, bool custom) {
  if (custom) return (bucket.upper + bucket.lower) / 2;
  if (bucket.lower <= 0 && bucket.upper >= 0) return 0;
  const double middle = std::sqrt(bucket.upper * bucket.lower);
  return bucket.upper < 0 ? -middle : middle;
}

double Count(const FloatHistogram& histogram) { return histogram.count; }
double Sum(const FloatHistogram& histogram) { return histogram.sum; }
double Average(const FloatHistogram& histogram) { return histogram.sum / histogram.count; }
double Deviation(const FloatHistogram& histogram) { return std::sqrt(NativeVariance(histogram)); }

}  // namespace

std::vector<NativeBucket> BucketsOf(const FloatHistogram& histogram) {
  std::vector<NativeBucket> buckets;
  buckets.reserve(histogram.negative_buckets.size() + histogram.positive_buckets.size() + 1);
  const double threshold = histogram.zero_threshold;
  ForEachBucket(histogram.negative_spans, histogram.negative_buckets,
                [&](int64_t index, double count) {
                  const NativeBucket bucket{-UpperBound(histogram, index),
                                            -UpperBound(histogram, index - 1), count};
                  buckets.push_back(OutsideZero(bucket, threshold));
                });
  std::ranges::reverse(buckets);
  if (histogram.zero_count > 0) buckets.push_back({-threshold, threshold, histogram.zero_count});
  ForEachBucket(histogram.positive_spans, histogram.positive_buckets,
                [&](int64_t index, double count) {
                  const NativeBucket bucket{UpperBound(histogram, index - 1),
                                            UpperBound(histogram, index), count};
                  buckets.push_back(OutsideZero(bucket, threshold));
                });
  return buckets;
}

NativeEstimate NativeQuantile(double q, const FloatHistogram& histogram) {
  if (q < 0) return {-kInf};
  if (q > 1) return {kInf};
  if (histogram.count == 0 || std::isnan(q)) return {kNormalNan};
  return QuantileSearch(q, histogram).Run();
}

NativeEstimate NativeFraction(double lower, double upper, const FloatHistogram& histogram) {
  if (histogram.count == 0 || std::isnan(lower) || std::isnan(upper)) return {kNormalNan};
  if (lower >= upper) return {0};
  const std::vector<NativeBucket> buckets = BucketsOf(histogram);
  double count = histogram.count;
  NanEffect effect = NanEffect::kNone;
  if (std::isnan(histogram.sum)) {
    count = 0;
    for (const NativeBucket& bucket : buckets) count += bucket.count;
    if (count < histogram.count) effect = NanEffect::kFractionExcludes;
  }
  const double lower_rank = std::min(RankOf(lower, buckets, histogram), count);
  const double upper_rank = std::min(RankOf(upper, buckets, histogram), count);
  return {(upper_rank - lower_rank) / histogram.count, effect};
}

double NativeVariance(const FloatHistogram& histogram) {
  const double mean = histogram.sum / histogram.count;
  KahanSum variance;
  for (const NativeBucket& bucket : BucketsOf(histogram)) {
    if (bucket.count == 0) continue;
    const double delta = MiddleOf(bucket, histogram.uses_custom_buckets()) - mean;
    variance.Add(bucket.count * delta * delta);
  }
  return (variance.sum + variance.compensation) / histogram.count;
}

HistogramFunction FindHistogramFunction(std::string_view name) {
  constexpr std::pair<std::string_view, HistogramFunction> kFunctions[] = {
      {"histogram_avg", Average},      {"histogram_count", Count},
      {"histogram_stddev", Deviation}, {"histogram_stdvar", NativeVariance},
      {"histogram_sum", Sum},
  };
  const auto* found = std::ranges::find(kFunctions, name, [](const auto& f) { return f.first; });
  return found == std::end(kFunctions) ? nullptr : found->second;
}

}  // namespace barograph::promql
