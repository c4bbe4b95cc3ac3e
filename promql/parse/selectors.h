#pragma once

#include <vector>

#include "base/model/matcher.h"
#include "promql/parse/ast.h"

namespace barograph::promql {

/// The matchers of each selector in the expression, those of ranges and subqueries included, in
/// the order in which they are written.
std::vector<Matchers> ExtractSelectors(const Expr& expr);

}  // namespace barograph::promql
