#pragma once

#include <vector>

#include "base/model/matcher.h"
#include "promql/parse/ast.h"

namespace barograph::promql {

/// The matchers of each selector in the expression, those of ranges and subqueries included, in
/// order of appearance; those of an aggregation's parameter behind those of its vector.
std::vector<Matchers> ExtractSelectors(const Expr& expr);

/// Whether all series that the matchers find have one name, so that they stay different without it.
bool HasOneName(const Matchers& matchers);

}  // namespace barograph::promql
