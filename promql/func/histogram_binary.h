#pragma once

#include "promql/exec/annotator.h"
#include "promql/exec/column.h"
#include "promql/parse/ast.h"

/// Binary operators on samples of which at least one is a native histogram.
namespace barograph::promql {

struct BinaryOperand {
  double value = 0;
  const FloatHistogram* histogram = nullptr;  ///< the sample where it is set
};

struct HistogramOutcome {
  enum class Kind : uint8_t {
    kInvalid,  ///< no result: the operator is not defined for the two, which was annotated
    kResult,   ///< `histogram`
    kIsTrue,   ///< a comparison that holds
    kIsFalse,  ///< one that does not
  };
  Kind kind = Kind::kInvalid;
  HistogramRef histogram;
};

/// Annotations stand at `where`.
HistogramOutcome ApplyToHistograms(BinaryOp op, const BinaryOperand& lhs, const BinaryOperand& rhs,
                                   Annotator& annotations, PositionRange where);

}  // namespace barograph::promql
