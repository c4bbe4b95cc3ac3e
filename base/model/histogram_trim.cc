#include <algorithm>
#include <cmath>

#include "base/model/histogram_arithmetic.h"
#include "base/model/sample.h"

/// The trim operators, with Prometheus's interpolation: exponential in exponential buckets, linear
/// in custom buckets and the zero bucket.
namespace barograph {
namespace {

struct Interval {
  double lower;
  double upper;
};

// What remains of a bucket, and the value that stands for its observations in the sum.
struct Kept {
  double count;
  double midpoint;
};

double ZeroIfInfinite(double value) { return std::isinf(value) ? 0 : value; }

double Midpoint(Interval interval, bool positive, bool linear) {
  const auto [lower, upper] = interval;
  if (std::isinf(lower)) {
    if (std::isinf(upper)) return 0;
    return upper > 0 ? upper / 2 : upper;
  }
  if (std::isinf(upper)) return lower;
  if (linear) return (lower + upper) / 2;
  const double mean = std::sqrt(std::fabs(lower * upper));
  return positive ? mean : -mean;
}

// The fraction of a bucket with finite bounds that is below a value inside it.
double FractionBelow(Interval bucket, double value, bool linear) {
  if (linear) return (value - bucket.lower) / (bucket.upper - bucket.lower);
  const double lower = std::log2(std::fabs(bucket.lower));
  const double upper = std::log2(std::fabs(bucket.upper));
  const double at = std::log2(std::fabs(value));
  return value > 0 ? (at - lower) / (upper - lower) : 1 - (at - upper) / (lower - upper);
}

class Trimmer {
 public:
  Trimmer(FloatHistogram& histogram, double bound, TrimSide side)
      : histogram_(histogram), bound_(bound), upper_(side == TrimSide::kUpper) {}

  void Run() {
    const bool positive = TrimBuckets(true);
    const bool negative = TrimBuckets(false);
    if (histogram_.zero_count > 0) TrimZeroBucket(negative, positive);
    if (!trimmed_) return;
    histogram_.count = count_;
    histogram_.sum = sum_;
    histogram_.Compact(0);
  }

 private:
  bool linear() const { return histogram_.uses_custom_buckets(); }

  Interval IntervalOf(int64_t index, bool positive) const {
    const Interval above{UpperBound(histogram_, index - 1), UpperBound(histogram_, index)};
    return positive ? above : Interval{-above.upper, -above.lower};
  }

  // Returns whether the side has observations.
  bool TrimBuckets(bool positive) {
    bool any = false;
    size_t next = 0;
    std::vector<double>& buckets =
        positive ? histogram_.positive_buckets : histogram_.negative_buckets;
    ForEachBucket(positive ? histogram_.positive_spans : histogram_.negative_spans, buckets,
                  [&](int64_t index, double count) {
                    double& slot = buckets[next++];
                    if (count == 0) return;
                    any = true;
                    const Kept kept = Trim(IntervalOf(index, positive), count, positive);
                    Keep(kept, slot);
                  });
    return any;
  }

  void Keep(const Kept& kept, double& slot) {
    count_ += kept.count;
    if (kept.count != 0) sum_ += kept.midpoint * kept.count;
    trimmed_ |= slot != kept.count;
    slot = kept.count;
  }

  Kept Trim(Interval bucket, double count, bool positive) const {
    const bool whole = upper_ ? bucket.upper <= bound_ : bucket.lower >= bound_;
    if (whole) return {count, Midpoint(bucket, positive, linear())};
    const bool cut = upper_ ? bucket.lower < bound_ : bucket.upper > bound_;
    if (!cut) return {0, 0};
    if (bucket.lower == -kInf) return CutFromBelow(bucket.upper, count);
    if (bucket.upper == kInf) return CutFromAbove(bucket.lower, count);
    return Cut(bucket, count, positive);
  }

  Kept Cut(Interval bucket, double count, bool positive) const {
    double below = 0;
    if (bound_ >= bucket.upper) {
      below = count;
    } else if (bound_ > bucket.lower) {
      below = count * FractionBelow(bucket, bound_, linear());
    }
    if (upper_) return {below, Midpoint({bucket.lower, bound_}, positive, linear())};
    return {count - below, Midpoint({bound_, bucket.upper}, positive, linear())};
  }

  // A bucket without a lower bound is taken to begin at 0 if it ends above.
  Kept CutFromBelow(double upper, double count) const {
    const bool from_zero = upper > 0 && upper != kInf;
    if (upper_) {
      if (bound_ > 0 && from_zero) return {count * bound_ / upper, bound_ / 2};
      if (upper <= 0) return {count, bound_};
      return {0, ZeroIfInfinite(upper)};
    }
    if (bound_ == -kInf) return {count, 0};
    if (bound_ >= 0 && from_zero) return {count * (1 - bound_ / upper), (bound_ + upper) / 2};
    return {0, ZeroIfInfinite(upper)};
  }

  Kept CutFromAbove(double lower, double count) const {
    if (!upper_ && bound_ >= lower) return {count, bound_};
    return {0, ZeroIfInfinite(lower)};
  }

  // Observations around zero are on the side on which there are others.
  void TrimZeroBucket(bool negative, bool positive) {
    Interval zero{-histogram_.zero_threshold, histogram_.zero_threshold};
    if (negative && !positive) zero.upper = 0;
    if (positive && !negative) zero.lower = 0;
    const double count = histogram_.zero_count;
    const double middle = (zero.lower + zero.upper) / 2;
    const double width = zero.upper - zero.lower;
    Kept kept{0, 0};
    if (upper_) {
      if (bound_ >= zero.upper && bound_ > zero.lower) {
        kept = {count, middle};
      } else if (bound_ > zero.lower) {
        kept = {count * ((bound_ - zero.lower) / width), (zero.lower + bound_) / 2};
      }
    } else if (bound_ <= zero.lower) {
      kept = {count, middle};
    } else if (bound_ < zero.upper) {
      kept = {count * ((zero.upper - bound_) / width), (bound_ + zero.upper) / 2};
    }
    Keep(kept, histogram_.zero_count);
  }

  FloatHistogram& histogram_;
  double bound_;
  bool upper_;
  double count_ = 0;
  double sum_ = 0;
  bool trimmed_ = false;
};

}  // namespace

void TrimHistogram(FloatHistogram& histogram, double bound, TrimSide side) {
  Trimmer(histogram, bound, side).Run();
}

}  // namespace barograph
