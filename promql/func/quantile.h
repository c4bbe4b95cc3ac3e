#pragma once

#include <span>

/// Quantiles of float values, as Prometheus defines them (promql/quantile.go).
namespace barograph::promql {

/// The order of values in which Prometheus sorts: NaN before all others.
bool OrderedBefore(double a, double b);

/// The q-quantile of `values`, which it may reorder: interpolated between the two closest ranks.
/// NaN for no values or a NaN q, -Inf for q < 0, +Inf for q > 1.
double Quantile(double q, std::span<double> values);

/// The same of values in OrderedBefore order.
double QuantileOfSorted(double q, std::span<const double> sorted);

/// Where a quantile lies among n > 0 values: at `lower`, and the share `weight` of the way to
/// `upper`.
struct QuantileRank {
  size_t lower;
  size_t upper;
  double weight;
};
QuantileRank RankOf(double q, size_t n);

}  // namespace barograph::promql
