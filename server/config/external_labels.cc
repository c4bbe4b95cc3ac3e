#include "server/config/external_labels.h"

#include <cstddef>

namespace barograph::server {
namespace {

bool IsWord(char c) {
  return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// What a shell calls a special parameter: $$, $1, $? and the like, one character long.
bool IsSpecial(char c) {
  return std::string_view("*#$@!?-0123456789").find(c) != std::string_view::npos;
}

struct Variable {
  std::string_view name;  // empty: nothing to replace
  size_t bytes = 0;       // after the `$` that are used up
};

Variable ParseBraced(std::string_view rest) {
  if (rest.size() > 2 && IsSpecial(rest[1]) && rest[2] == '}') return {rest.substr(1, 1), 3};
  for (size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '}') return {rest.substr(1, i - 1), i == 1 ? 2 : i + 1};
  }
  return {{}, 1};  // no closing brace: the opening one is dropped
}

Variable ParseVariable(std::string_view rest) {
  if (rest.empty()) return {};
  if (rest[0] == '{') return ParseBraced(rest);
  if (IsSpecial(rest[0])) return {rest.substr(0, 1), 1};
  size_t end = 0;
  while (end < rest.size() && IsWord(rest[end])) ++end;
  return {rest.substr(0, end), end};
}

}  // namespace

std::string ExpandVariables(std::string_view text, const Environment& environment) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const Variable variable = ParseVariable(text.substr(i + 1));
    if (variable.name.empty() && variable.bytes == 0) {
      out += '$';  // not a variable at all
    } else if (variable.name == "$") {
      out += '$';
    } else if (!variable.name.empty()) {
      out += environment(std::string(variable.name));
    }
    i += variable.bytes;
  }
  return out;
}

Labels ExpandLabels(const Labels& labels, const Environment& environment) {
  LabelsBuilder out;
  for (const Label label : labels) out.Set(label.name, ExpandVariables(label.value, environment));
  return out.Build();
}

}  // namespace barograph::server
