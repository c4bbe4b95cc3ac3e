#include "promql/parse/parser.h"
#include "promql/parse/printer.h"
#include "web/api/expression_json.h"
#include "web/api/handlers.h"

namespace barograph::web {
namespace {

std::expected<promql::ExprPtr, ApiError> Parse(const ApiContext& context,
                                               const ApiRequest& request) {
  const std::string_view query = request.form.Get("query");
  auto expression = promql::ParseExpr(query, context.engine.options().parser);
  if (!expression) return InvalidParameter("query", expression.error().front().Format(query));
  return std::move(*expression);
}

}  // namespace

ApiResult HandleFormatQuery(const ApiContext& context, const ApiRequest& request) {
  const auto expression = Parse(context, request);
  if (!expression) return std::unexpected(expression.error());
  JsonWriter json;
  json.String(promql::Prettify(**expression));
  return ApiData{.json = json.Take(), .warnings = {}, .infos = {}};
}

ApiResult HandleParseQuery(const ApiContext& context, const ApiRequest& request) {
  const auto expression = Parse(context, request);
  if (!expression) return std::unexpected(expression.error());
  JsonWriter json;
  WriteExpression(json, **expression);
  return ApiData{.json = json.Take(), .warnings = {}, .infos = {}};
}

}  // namespace barograph::web
