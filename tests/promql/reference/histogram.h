#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/model/histogram.h"

/// Native histograms for the reference evaluator: buckets in maps by index, arithmetic as the
/// specification words it (prometheus.io/docs/specs/native_histograms).
namespace barograph::promql::reference {

using Buckets = std::map<int64_t, double>;

struct Histogram {
  CounterResetHint hint = CounterResetHint::kUnknown;
  int32_t schema = 0;
  double zero_threshold = 0;
  double zero_count = 0;
  double count = 0;
  double sum = 0;
  Buckets positive, negative;
  std::vector<double> bounds;  // of custom buckets

  Histogram() = default;
  explicit Histogram(const FloatHistogram& histogram);
  FloatHistogram ToFloatHistogram() const;  ///< without empty buckets
  bool custom() const { return schema == kCustomBucketsSchema; }
};
using HistogramPtr = std::shared_ptr<const Histogram>;

/// A bucket as a stretch of values, and what is in it.
struct Stretch {
  double lower, upper, count;
};
/// All buckets from the lowest to the highest, the zero bucket where it holds something.
std::vector<Stretch> AllBuckets(const Histogram& histogram);

struct MergeOutcome {
  bool incompatible = false;  ///< exponential against custom buckets; nothing was done
  bool collision = false;     ///< hints reset and not_reset
  bool reconciled = false;    ///< custom bounds differed
};
/// For where hints are known not to go together.
inline MergeOutcome WithoutCollision(MergeOutcome outcome) {
  outcome.collision = false;
  return outcome;
}
/// a += sign * b.
MergeOutcome Merge(Histogram& a, Histogram b, double sign);
/// Without buckets that are empty.
Histogram Compact(Histogram histogram);
void Scale(Histogram& histogram, double factor);
void Divide(Histogram& histogram, double divisor);

bool IsReset(const Histogram& now, const Histogram& before);
bool Equal(const Histogram& a, const Histogram& b);

/// What is left of a histogram below (upper) or above a bound. The one thing that is not done anew
/// here: it is base/model's.
Histogram Trim(const Histogram& histogram, double bound, bool upper);

double Quantile(const Histogram& histogram, double q);
/// A classic histogram may be given as one with custom buckets.
enum class Kind : uint8_t { kNative, kClassic };
double Fraction(const Histogram& histogram, double lower, double upper, Kind kind = Kind::kNative);
double Variance(const Histogram& histogram);

}  // namespace barograph::promql::reference
