#pragma once

#include <vector>

/// Histograms of plain series, a bucket each, for the reference evaluator.
namespace barograph::promql::reference {

/// Upper bound and cumulative count.
struct ClassicBucket {
  double upper, count;
};
using Classic = std::vector<ClassicBucket>;  // in any order

struct ClassicQuantileResult {
  double value;
  bool forced;  // counts fell from bucket to bucket, and were raised
};
ClassicQuantileResult ClassicQuantile(double q, const Classic& all);

/// The share of observations between two values.
double ClassicFraction(double lower, double upper, const Classic& all);

}  // namespace barograph::promql::reference
