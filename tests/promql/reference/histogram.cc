#include "tests/promql/reference/histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/model/histogram_arithmetic.h"
#include "base/model/sample.h"

namespace barograph::promql::reference {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Buckets FromSpans(const std::vector<BucketSpan>& spans, const std::vector<double>& counts) {
  Buckets buckets;
  ForEachBucket(spans, counts, [&](int64_t index, double count) { buckets[index] = count; });
  return buckets;
}

void ToSpans(const Buckets& buckets, std::vector<BucketSpan>& spans, std::vector<double>& counts) {
  int64_t next = 0;
  for (const auto& [index, count] : buckets) {
    if (count == 0) continue;
    if (spans.empty() || index != next) {
      spans.push_back({static_cast<int32_t>(index - next), 0});
    }
    ++spans.back().length;
    counts.push_back(count);
    next = index + 1;
  }
}

// The buckets of a coarser schema: each takes in 2^(from - to) of the finer one.
Buckets Coarser(const Buckets& buckets, int32_t from, int32_t to) {
  Buckets coarse;
  for (const auto& [index, count] : buckets) {
    const int64_t width = int64_t{1} << (from - to);
    const int64_t up = index + width - 1;
    coarse[up >= 0 ? up / width : -((-up + width - 1) / width)] += count;
  }
  return coarse;
}

void MakeCoarser(Histogram& histogram, int32_t schema) {
  histogram.positive = Coarser(histogram.positive, histogram.schema, schema);
  histogram.negative = Coarser(histogram.negative, histogram.schema, schema);
  histogram.schema = schema;
}

double Bound(int64_t index, int32_t schema) { return ExponentialBound(index, schema); }

// The zero bucket's end when it is to reach `threshold`, and must not cut a bucket that is not
// empty.
double WholeThreshold(const Histogram& histogram, double threshold) {
  for (bool changed = true; changed;) {
    changed = false;
    for (const Buckets* side : {&histogram.positive, &histogram.negative}) {
      for (const auto& [index, count] : *side) {
        const double upper = Bound(index, histogram.schema);
        const bool cut = Bound(index - 1, histogram.schema) < threshold && upper > threshold;
        if (cut && count != 0) threshold = upper, changed = true;
      }
    }
  }
  return threshold;
}

double CountBelow(const Histogram& histogram, double threshold) {
  double count = histogram.zero_count;
  for (const Buckets* side : {&histogram.positive, &histogram.negative}) {
    for (const auto& [index, in_bucket] : *side) {
      if (Bound(index, histogram.schema) <= threshold) count += in_bucket;
    }
  }
  return count;
}

void DropBelow(Histogram& histogram, double threshold) {
  for (Buckets* side : {&histogram.positive, &histogram.negative}) {
    std::erase_if(*side, [&](const auto& bucket) {
      return Bound(bucket.first, histogram.schema) <= threshold;
    });
  }
}

std::vector<double> CommonBounds(const Histogram& a, const Histogram& b) {
  std::vector<double> common;
  std::ranges::set_intersection(a.bounds, b.bounds, std::back_inserter(common));
  return common;
}

// Custom buckets over fewer bounds.
Buckets Rebound(const Histogram& histogram, const std::vector<double>& bounds) {
  Buckets buckets;
  for (const auto& [index, count] : histogram.positive) {
    const double upper = static_cast<size_t>(index) < histogram.bounds.size()
                             ? histogram.bounds[static_cast<size_t>(index)]
                             : kInf;
    buckets[std::ranges::lower_bound(bounds, upper) - bounds.begin()] += count;
  }
  return buckets;
}

bool AnyLess(const Buckets& now, const Buckets& before) {
  return std::ranges::any_of(before, [&](const auto& bucket) {
    const auto found = now.find(bucket.first);
    return found == now.end() ? bucket.second != 0 : found->second < bucket.second;
  });
}

bool MergeHints(CounterResetHint& hint, CounterResetHint other) {
  using enum CounterResetHint;
  if (hint == other) return false;
  if (hint == kGauge || other == kGauge) {
    hint = kGauge;
    return false;
  }
  const bool collision = hint != kUnknown && other != kUnknown;
  hint = kUnknown;
  return collision;
}

bool SameBounds(const std::vector<double>& a, const std::vector<double>& b) { return a == b; }

}  // namespace

Histogram::Histogram(const FloatHistogram& h)
    : hint(h.counter_reset_hint),
      schema(h.schema),
      zero_threshold(h.zero_threshold),
      zero_count(h.zero_count),
      count(h.count),
      sum(h.sum),
      positive(FromSpans(h.positive_spans, h.positive_buckets)),
      negative(FromSpans(h.negative_spans, h.negative_buckets)),
      bounds(h.custom_values) {}

FloatHistogram Histogram::ToFloatHistogram() const {
  FloatHistogram h;
  h.counter_reset_hint = hint;
  h.schema = schema;
  h.zero_threshold = zero_threshold;
  h.zero_count = zero_count;
  h.count = count;
  h.sum = sum;
  ToSpans(positive, h.positive_spans, h.positive_buckets);
  ToSpans(negative, h.negative_spans, h.negative_buckets);
  h.custom_values = bounds;
  return h;
}

std::vector<Stretch> AllBuckets(const Histogram& h) {
  std::vector<Stretch> all;
  if (h.custom()) {
    for (const auto& [index, count] : h.positive) {
      const auto i = static_cast<size_t>(index);
      all.push_back(
          {i == 0 ? -kInf : h.bounds[i - 1], i < h.bounds.size() ? h.bounds[i] : kInf, count});
    }
    return all;
  }
  for (auto it = h.negative.rbegin(); it != h.negative.rend(); ++it) {
    all.push_back({-Bound(it->first, h.schema), -Bound(it->first - 1, h.schema), it->second});
  }
  if (h.zero_count > 0) all.push_back({-h.zero_threshold, h.zero_threshold, h.zero_count});
  for (const auto& [index, count] : h.positive) {
    all.push_back({Bound(index - 1, h.schema), Bound(index, h.schema), count});
  }
  return all;
}

MergeOutcome Merge(Histogram& a, Histogram b, double sign) {
  MergeOutcome outcome;
  if (a.custom() != b.custom()) {
    outcome.incompatible = true;
    return outcome;
  }
  outcome.collision = MergeHints(a.hint, b.hint);
  if (a.custom()) {
    outcome.reconciled = !SameBounds(a.bounds, b.bounds);
    if (outcome.reconciled) {
      const auto common = CommonBounds(a, b);
      a.positive = Rebound(a, common);
      b.positive = Rebound(b, common);
      a.bounds = common;
    }
  } else {
    double threshold = std::max(a.zero_threshold, b.zero_threshold);
    for (double wider = threshold;; threshold = wider) {
      wider = WholeThreshold(b, WholeThreshold(a, threshold));
      if (wider == threshold) break;
    }
    a.zero_count = CountBelow(a, threshold);
    b.zero_count = CountBelow(b, threshold);
    a.zero_threshold = threshold;
    DropBelow(a, threshold);
    DropBelow(b, threshold);
    const int32_t schema = std::min(a.schema, b.schema);
    MakeCoarser(a, schema);
    MakeCoarser(b, schema);
  }
  a.zero_count += sign * b.zero_count;
  a.count += sign * b.count;
  a.sum += sign * b.sum;
  for (const auto& [index, count] : b.positive) a.positive[index] += sign * count;
  for (const auto& [index, count] : b.negative) a.negative[index] += sign * count;
  return outcome;
}

Histogram Compact(Histogram histogram) {
  for (Buckets* side : {&histogram.positive, &histogram.negative}) {
    std::erase_if(*side, [](const auto& bucket) { return bucket.second == 0; });
  }
  return histogram;
}

void Scale(Histogram& h, double factor) {
  for (double* number : {&h.zero_count, &h.count, &h.sum}) *number *= factor;
  for (Buckets* side : {&h.positive, &h.negative}) {
    for (auto& [index, count] : *side) count *= factor;
  }
  if (factor < 0) h.hint = CounterResetHint::kGauge;
}

void Divide(Histogram& h, double divisor) {
  for (double* number : {&h.zero_count, &h.count, &h.sum}) *number /= divisor;
  for (Buckets* side : {&h.positive, &h.negative}) {
    for (auto& [index, count] : *side) count /= divisor;
    if (divisor == 0) side->clear();
  }
  if (divisor < 0) h.hint = CounterResetHint::kGauge;
}

bool IsReset(const Histogram& now, const Histogram& before) {
  if (now.hint == CounterResetHint::kReset) return true;
  if (now.hint == CounterResetHint::kNotReset) return false;
  if (now.custom() != before.custom() || now.count < before.count) return true;
  if (now.custom()) {
    const auto common = CommonBounds(now, before);
    return AnyLess(Rebound(now, common), Rebound(before, common));
  }
  if (now.schema > before.schema || now.zero_threshold < before.zero_threshold) return true;
  if (WholeThreshold(before, now.zero_threshold) != now.zero_threshold) return true;
  if (now.zero_count < CountBelow(before, now.zero_threshold)) return true;
  Histogram coarse = before;
  DropBelow(coarse, now.zero_threshold);
  MakeCoarser(coarse, now.schema);
  return AnyLess(now.positive, coarse.positive) || AnyLess(now.negative, coarse.negative);
}

bool Equal(const Histogram& a, const Histogram& b) {
  const auto same = [](const Buckets& x, const Buckets& y) {
    return std::ranges::equal(x, y, [](const auto& p, const auto& q) {
      return p.first == q.first && SameBits(p.second, q.second);
    });
  };
  return a.schema == b.schema && SameBits(a.count, b.count) && SameBits(a.sum, b.sum) &&
         a.zero_threshold == b.zero_threshold && SameBits(a.zero_count, b.zero_count) &&
         same(a.positive, b.positive) && same(a.negative, b.negative) &&
         SameBounds(a.bounds, b.bounds);
}

Histogram Trim(const Histogram& histogram, double bound, bool upper) {
  FloatHistogram trimmed = histogram.ToFloatHistogram();
  TrimHistogram(trimmed, bound, upper ? TrimSide::kUpper : TrimSide::kLower);
  return Histogram(trimmed);
}

namespace {

// How much of a bucket's count is below `at`, which lies in it.
double CountInBucketBelow(const Histogram& h, const Stretch& bucket, double at) {
  const bool linear = h.custom() || (bucket.lower <= 0 && bucket.upper >= 0);
  if (linear) {
    if (std::isinf(bucket.lower)) return bucket.count;  // it is all taken to be at the end
    if (std::isinf(bucket.upper)) return 0;
    return bucket.count * (at - bucket.lower) / (bucket.upper - bucket.lower);
  }
  const double low = std::log2(std::abs(bucket.lower));
  const double high = std::log2(std::abs(bucket.upper));
  const double log = std::log2(std::abs(at));
  return bucket.count * (at > 0 ? (log - low) / (high - low) : 1 - (log - high) / (low - high));
}

// The zero bucket of a histogram whose other buckets are all on one side lies on that side; the
// lowest custom bucket begins at 0 where it ends above.
Stretch Narrowed(const Histogram& h, Stretch bucket) {
  if (h.custom()) {
    if (bucket.lower == -kInf && bucket.upper > 0) bucket.lower = 0;
  } else if (bucket.lower <= 0 && bucket.upper >= 0) {
    if (h.negative.empty() && !h.positive.empty()) bucket.lower = 0;
    if (h.positive.empty() && !h.negative.empty()) bucket.upper = 0;
  }
  return bucket;
}

}  // namespace

double Quantile(const Histogram& h, double q) {
  if (q < 0) return -kInf;
  if (q > 1) return kInf;
  if (h.count == 0 || std::isnan(q)) return kNan;
  std::vector<Stretch> buckets = AllBuckets(h);
  std::erase_if(buckets, [](const Stretch& bucket) { return bucket.count == 0; });
  const bool forward = std::isnan(h.sum) || q < 0.5;
  if (!forward) std::ranges::reverse(buckets);
  double rank = (forward ? q : 1 - q) * h.count;
  double count = 0;
  Stretch bucket{0, 0, 0};
  for (const Stretch& next : buckets) {
    bucket = next;
    count += bucket.count;
    if (count >= rank) break;
  }
  if (h.custom()) {
    if (bucket.lower == -kInf && bucket.upper <= 0) return bucket.upper;
    if (bucket.lower != -kInf && bucket.upper == kInf) return bucket.lower;
  }
  bucket = Narrowed(h, bucket);
  count = std::min(count, h.count);
  if (count < rank) return std::isnan(h.sum) ? kNan : bucket.upper;
  rank = forward ? rank - (count - bucket.count) : count - rank;
  const double fraction = rank / bucket.count;
  if (h.custom() || (bucket.lower <= 0 && bucket.upper >= 0)) {
    return bucket.lower + (bucket.upper - bucket.lower) * fraction;
  }
  const double low = std::log2(std::abs(bucket.lower));
  const double high = std::log2(std::abs(bucket.upper));
  if (bucket.lower > 0) return std::exp2(low + (high - low) * fraction);
  return -std::exp2(high + (low - high) * (1 - fraction));
}

double Fraction(const Histogram& h, double lower, double upper, Kind kind) {
  if (h.count == 0 || std::isnan(lower) || std::isnan(upper)) return kNan;
  if (lower >= upper) return 0;
  const auto rank_of = [&](double at) {
    double rank = 0;
    for (const Stretch& whole : AllBuckets(h)) {
      Stretch bucket = Narrowed(h, whole);
      // Prometheus takes any custom bucket around 0 to begin there.
      if (kind == Kind::kNative && h.custom() && whole.lower <= 0 && whole.upper >= 0) {
        bucket.lower = 0;
      }
      if (bucket.lower >= at) return rank;
      if (bucket.upper > at) return rank + CountInBucketBelow(h, bucket, at);
      rank += bucket.count;
    }
    return std::isnan(h.sum) ? rank : h.count;  // NaNs are in no bucket
  };
  return (std::min(rank_of(upper), h.count) - std::min(rank_of(lower), h.count)) / h.count;
}

double Variance(const Histogram& h) {
  const double mean = h.sum / h.count;
  double total = 0;
  for (const Stretch& bucket : AllBuckets(h)) {
    if (bucket.count == 0) continue;
    double value = 0;
    if (h.custom()) {
      value = (bucket.upper + bucket.lower) / 2;
    } else if (bucket.lower > 0 || bucket.upper < 0) {
      value = std::copysign(std::sqrt(bucket.upper * bucket.lower), bucket.upper);
    }
    total += bucket.count * (value - mean) * (value - mean);
  }
  return total / h.count;
}

}  // namespace barograph::promql::reference
