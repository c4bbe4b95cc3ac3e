#pragma once

#include "base/result.h"
#include "base/time.h"
#include "promql/parse/ast.h"

/// Duration expressions, as in [2*step()] or offset (5m-1s), as durations.
namespace barograph::promql {

/// What step() and range() stand for.
struct DurationContext {
  Duration step{0};   ///< 0 in an instant query
  Duration range{0};  ///< the query's end - start
};

/// The duration that `expr` gives, cut to milliseconds. InvalidArgument, with the bytes of the
/// place, where it is not finite, out of range, divides by zero, or is not positive and must be.
Result<Duration> ResolveDuration(const Expr& expr, const DurationContext& context,
                                 bool may_be_negative);

}  // namespace barograph::promql
