#pragma once

#include <string>

#include "promql/parse/ast.h"

namespace barograph::promql {

/// The tree as JSON, for tests and tools. Each node is an object with its type as `node` and the
/// fields of Prometheus's parser under their Go names:
///
///     {"node":"BinaryExpr","Op":"+","LHS":{...},"RHS":{...}}
///
/// Fields that are zero or empty are left out. Durations are in nanoseconds, Timestamp (of @) in
/// milliseconds, positions (PosRange, StartPos, EndPos) in bytes of the query. Operators are
/// texts, and so is a function (Func). NaN, +Inf and -Inf are strings. A string that is not valid
/// UTF-8 is {"b64":"..."}.
std::string DumpJson(const Expr& expr);

}  // namespace barograph::promql
