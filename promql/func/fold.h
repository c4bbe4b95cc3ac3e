#pragma once

#include <memory>
#include <span>

#include "promql/parse/ast.h"

/// Aggregations that fold the columns of a group into one, step by step, with Prometheus's order of
/// floating-point operations.
namespace barograph::promql {

/// Folds one group at a time.
class Fold {
 public:
  virtual ~Fold() = default;

  /// Forgets everything, for the next group.
  virtual void Reset(size_t steps) = 0;

  /// Takes one series in; absent steps change nothing.
  virtual void Add(std::span<const double> values) = 0;

  /// Writes every step; absent where nothing was added.
  virtual void Finish(std::span<double> out) = 0;
};

/// For sum, avg, count, min, max, group, stddev and stdvar; nullptr for the others.
std::unique_ptr<Fold> MakeFold(AggregateOp op);

}  // namespace barograph::promql
