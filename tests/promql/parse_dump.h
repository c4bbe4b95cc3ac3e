#pragma once

#include <string>
#include <string_view>

#include "promql/parse/ast.h"

/// Trees as terse text, for two-column tables.
namespace barograph::promql {

/// A tree as nested lists with every choice of the parser in it: which operands an operator got,
/// what a modifier was applied to. No positions.
///
///     a + b * -c              (+ a (* b (- c)))
///     rate(x[5m] offset 1h)   (rate (range 5m offset=1h x))
///     sum by (job) (x)        (sum by=job x)
std::string Terse(const Expr& expr);

/// The terse tree of a text; or `error: ` and what its first error says, without position.
std::string TerseOf(std::string_view text);

}  // namespace barograph::promql
