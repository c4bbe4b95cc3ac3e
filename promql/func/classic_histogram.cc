#include "promql/func/classic_histogram.h"

#include <algorithm>
#include <cmath>

#include "base/model/number.h"
#include "base/model/sample.h"
#include "promql/func/column_loops.h"

namespace barograph::promql {
namespace {

// Equal but for rounding errors, relative to both (Prometheus's util/almost).
bool AlmostEqual(double a, double b) {
  if (a == b) return true;
  constexpr double kMinNormal = std::numeric_limits<double>::min();
  constexpr double kMax = std::numeric_limits<double>::max();
  const double sum = std::fabs(a) + std::fabs(b);
  const double diff = std::fabs(a - b);
  if (a == 0 || b == 0 || sum < kMinNormal) return diff < kAlmostEqual * kMinNormal;
  return diff / std::min(sum, kMax) < kAlmostEqual;
}

bool EndsInInfinity(const std::vector<Bucket>& buckets) {
  return buckets.back().upper_bound == kInf;
}

// Buckets with one bound become one.
void Coalesce(std::vector<Bucket>& buckets) {
  size_t last = 0;
  for (size_t i = 1; i < buckets.size(); ++i) {
    if (buckets[i].upper_bound == buckets[last].upper_bound) {
      buckets[last].count += buckets[i].count;
    } else {
      buckets[++last] = buckets[i];
    }
  }
  buckets.resize(last + 1);
}

// Lifts counts that are below the one before them to it.
void MakeMonotonic(std::vector<Bucket>& buckets, BucketRepair& repair) {
  repair = {false, kInf, -kInf, 0};
  double previous = buckets[0].count;
  for (size_t i = 1; i < buckets.size(); ++i) {
    Bucket& bucket = buckets[i];
    if (bucket.count == previous) continue;
    if (AlmostEqual(previous, bucket.count)) {
      bucket.count = previous;
      continue;
    }
    if (bucket.count < previous) {
      repair.forced = true;
      repair.min_bucket = std::min(repair.min_bucket, bucket.upper_bound);
      repair.max_bucket = std::max(repair.max_bucket, bucket.upper_bound);
      repair.max_diff = std::max(repair.max_diff, previous - bucket.count);
      bucket.count = previous;
      continue;
    }
    previous = bucket.count;
  }
}

double InterpolateRank(const std::vector<Bucket>& buckets, size_t index, double rank) {
  const double end = buckets[index].upper_bound;
  if (index == 0 && end <= 0) return end;
  double start = 0;
  double count = buckets[index].count;
  if (index > 0) {
    start = buckets[index - 1].upper_bound;
    count -= buckets[index - 1].count;
    rank -= buckets[index - 1].count;
  }
  return start + (end - start) * (rank / count);
}

double InterpolateAt(const BucketColumns& buckets, size_t step, size_t found, double rank) {
  const size_t last = buckets.bounds.size() - 1;
  if (found == last) return buckets.bounds[last - 1];
  const double end = buckets.bounds[found];
  if (found == 0 && end <= 0) return end;
  double start = 0;
  double count = buckets.counts[found * buckets.steps + step];
  if (found > 0) {
    const double below = buckets.counts[(found - 1) * buckets.steps + step];
    start = buckets.bounds[found - 1];
    count -= below;
    rank -= below;
  }
  return start + (end - start) * (rank / count);
}

// How many observations are below a value.
class RankFinder {
 public:
  explicit RankFinder(const std::vector<Bucket>& buckets) : buckets_(buckets) {}

  double RankOf(double value) const {
    double rank = 0;
    double lower = buckets_[0].upper_bound <= 0 ? -kInf : 0.0;
    for (const Bucket& bucket : buckets_) {
      if (lower >= value) return rank;
      if (bucket.upper_bound > value) return Interpolate(value, lower, bucket, rank);
      rank = bucket.count;
      lower = bucket.upper_bound;
    }
    return buckets_.back().count;
  }

 private:
  static double Interpolate(double value, double lower, const Bucket& bucket, double rank) {
    if (lower == -kInf) return bucket.count;
    return rank + (bucket.count - rank) * (value - lower) / (bucket.upper_bound - lower);
  }

  const std::vector<Bucket>& buckets_;
};

}  // namespace

std::optional<double> ParseBucketBound(std::string_view le) { return ParseValue(le); }

double BucketQuantile(double q, std::vector<Bucket>& buckets, BucketRepair& repair) {
  repair = {};
  if (std::isnan(q)) return kNormalNan;
  if (q < 0) return -kInf;
  if (q > 1) return kInf;
  if (!EndsInInfinity(buckets)) return kNormalNan;
  Coalesce(buckets);
  MakeMonotonic(buckets, repair);
  const double observations = buckets.back().count;
  if (buckets.size() < 2 || observations == 0) {
    repair = {};  // as there is no quantile that it would have changed
    return kNormalNan;
  }
  const double rank = q * observations;
  const auto last = buckets.end() - 1;
  const auto found = std::partition_point(
      buckets.begin(), last, [&](const Bucket& bucket) { return !(bucket.count >= rank); });
  if (found == last) return buckets[buckets.size() - 2].upper_bound;
  return InterpolateRank(buckets, static_cast<size_t>(found - buckets.begin()), rank);
}

void BucketQuantiles(std::span<const double> q, const BucketColumns& buckets, std::span<double> out,
                     std::vector<uint32_t>& left) {
  const size_t last = buckets.bounds.size() - 1;
  const auto column = [&](size_t bucket, size_t step) {
    return buckets.counts.data() + bucket * buckets.steps + step;
  };
  left.clear();
  BucketSearch block;
  for (size_t begin = 0; begin < buckets.steps; begin += BucketSearch::kSteps) {
    const size_t steps = std::min(BucketSearch::kSteps, buckets.steps - begin);
    for (size_t i = 0; i < steps; ++i) {
      const double quantile = q[begin + i];
      block.rank[i] = quantile * column(last, begin)[i];
      block.clean[i] = quantile >= 0 && quantile <= 1 ? 1 : 0;
      block.found[i] = 0;
    }
    for (size_t b = 0; b < last; ++b) {
      SearchBucket(column(b, begin), column(b + 1, begin), steps, block);
    }
    for (size_t i = 0; i < steps; ++i) {
      const size_t step = begin + i;
      if (block.clean[i] == 0) {
        left.push_back(static_cast<uint32_t>(step));
      } else if (column(last, begin)[i] == 0) {
        out[step] = kNormalNan;
      } else {
        out[step] =
            InterpolateAt(buckets, step, static_cast<size_t>(block.found[i]), block.rank[i]);
      }
    }
  }
}

double BucketFraction(double lower, double upper, std::vector<Bucket>& buckets) {
  if (!EndsInInfinity(buckets)) return kNormalNan;
  Coalesce(buckets);
  const double count = buckets.back().count;
  if (count == 0 || std::isnan(lower) || std::isnan(upper)) return kNormalNan;
  if (lower >= upper) return 0;
  const RankFinder finder(buckets);
  const double lower_rank = std::min(finder.RankOf(lower), count);
  const double upper_rank = std::min(finder.RankOf(upper), count);
  return (upper_rank - lower_rank) / count;
}

}  // namespace barograph::promql
