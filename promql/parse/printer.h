#pragma once

#include <string>

#include "promql/parse/ast.h"

namespace barograph::promql {

/// The canonical text of a tree on one line, as logs, rules and errors show it. Parses back to the
/// same tree.
std::string Print(const Expr& expr);

/// The text over many lines, indented, where a line would be longer than `max_line` characters:
/// what /api/v1/format_query returns.
std::string Prettify(const Expr& expr, int max_line = 100);

/// A selector's matchers in braces: {__name__="a", b=~"c"}.
std::string PrintMatchers(const Matchers& matchers);

}  // namespace barograph::promql
