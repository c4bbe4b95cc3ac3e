#pragma once

#include <span>

#include "promql/parse/ast.h"

/// Binary operators on floats, a column at a time.
namespace barograph::promql {

/// One pair. Comparisons give 1 or 0, as between scalars.
double ApplyToScalars(BinaryOp op, double lhs, double rhs);

/// What becomes of a comparison.
enum class ComparisonResult : uint8_t {
  kFilter,       ///< the left value where it holds, absent where it does not
  kFilterRight,  ///< the same with the right value
  kBool,         ///< 1 or 0
};

/// out[i] = lhs[i] op rhs[i]; absent where either is. `out` may be one of the inputs. Trim
/// operators, which floats do not have, give absent.
void ApplyToColumns(BinaryOp op, ComparisonResult result, std::span<const double> lhs,
                    std::span<const double> rhs, std::span<double> out);

/// </ and >/, which are of histograms and floats alone.
bool IsTrim(BinaryOp op);

/// Whether the operator makes a value of another meaning, so that the name is dropped.
bool ChangesMeaning(BinaryOp op);

}  // namespace barograph::promql
