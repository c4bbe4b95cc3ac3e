#pragma once

#include <string_view>

#include "promql/parse/parser.h"

namespace barograph::promql {

/// The checks on a whole tree that syntax does not make: types of operands and arguments, numbers
/// of arguments, matching clauses, selectors that would select everything. Appends what is wrong
/// to `errors`, and completes the tree: set operators become many-to-many, matching clauses that
/// mean nothing are dropped, info()'s selector is marked. `query` is what was parsed.
void CheckTypes(Expr& expr, std::string_view query, ParseErrors& errors);

}  // namespace barograph::promql
