#include "tests/promql/reference/classic_histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/model/sample.h"
#include "tests/promql/reference/histogram.h"

namespace barograph::promql::reference {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Sorted, those with one bound put together.
Classic Tidy(Classic buckets) {
  std::ranges::sort(buckets, {}, &ClassicBucket::upper);
  Classic tidy;
  for (const ClassicBucket& bucket : buckets) {
    if (!tidy.empty() && tidy.back().upper == bucket.upper) {
      tidy.back().count += bucket.count;
    } else {
      tidy.push_back(bucket);
    }
  }
  return tidy;
}

// Counts that fall are raised; tells whether any fell by more than rounding explains.
bool MakeMonotonic(Classic& buckets) {
  bool forced = false;
  double before = buckets[0].count;
  for (ClassicBucket& bucket : buckets) {
    const double difference = std::abs(bucket.count - before);
    const double size = std::abs(bucket.count) + std::abs(before);
    if (difference == 0 || difference / std::min(size, 1e308) < 1e-12) {
      bucket.count = before;
    } else if (bucket.count < before) {
      forced = true;
      bucket.count = before;
    }
    before = bucket.count;
  }
  return forced;
}

}  // namespace

ClassicQuantileResult ClassicQuantile(double q, const Classic& all) {
  if (std::isnan(q)) return {kNan, false};
  if (q < 0) return {-kInf, false};
  if (q > 1) return {kInf, false};
  Classic buckets = Tidy(all);
  if (buckets.empty() || buckets.back().upper != kInf) return {kNan, false};
  const bool forced = MakeMonotonic(buckets);
  if (buckets.size() < 2) return {kNan, false};
  const double total = buckets.back().count;
  if (total == 0) return {kNan, false};
  double rank = q * total;
  size_t b = 0;
  while (b + 1 < buckets.size() && !(buckets[b].count >= rank)) ++b;
  if (b + 1 == buckets.size()) return {buckets[b - 1].upper, forced};
  if (b == 0 && buckets[0].upper <= 0) return {buckets[0].upper, forced};
  const double start = b == 0 ? 0 : buckets[b - 1].upper;
  const double before = b == 0 ? 0 : buckets[b - 1].count;
  rank -= before;
  return {start + (buckets[b].upper - start) * (rank / (buckets[b].count - before)), forced};
}

double ClassicFraction(double lower, double upper, const Classic& all) {
  const Classic buckets = Tidy(all);
  if (buckets.empty() || buckets.back().upper != kInf) return kNan;
  // As a histogram with custom buckets.
  Histogram histogram;
  histogram.schema = kCustomBucketsSchema;
  histogram.count = buckets.back().count;
  double before = 0;
  for (size_t i = 0; i < buckets.size(); ++i) {
    if (buckets[i].upper != kInf) histogram.bounds.push_back(buckets[i].upper);
    histogram.positive[static_cast<int64_t>(i)] = buckets[i].count - before;
    before = buckets[i].count;
  }
  return Fraction(histogram, lower, upper, Kind::kClassic);
}

}  // namespace barograph::promql::reference
