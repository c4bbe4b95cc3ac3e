#include "promql/parse/printer.h"

#include <string_view>

#include "promql/parse/text_writer.h"

namespace barograph::promql {

std::string Print(const Expr& expr) {
  TextWriter writer;
  writer.Write(expr);
  return writer.Take();
}

std::string PrintMatchers(const Matchers& matchers) {
  std::string text = "{";
  std::string_view separator;
  for (const Matcher& matcher : matchers) {
    text += separator;
    text += matcher.ToString();
    separator = ", ";
  }
  return text + "}";
}

}  // namespace barograph::promql
