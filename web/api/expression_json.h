#pragma once

#include "promql/parse/ast.h"
#include "web/api/json_writer.h"

namespace barograph::web {

/// A syntax tree as /api/v1/parse_query shows it: an object a node, its kind in "type".
void WriteExpression(JsonWriter& json, const promql::Expr& expression);

}  // namespace barograph::web
