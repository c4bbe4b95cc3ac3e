#include "tests/tsdb/script.h"

#include <fmt/format.h>

#include <optional>
#include <sstream>

#include "base/model/duration.h"
#include "base/model/number.h"

namespace barograph::test {
namespace {

std::unexpected<Error> Bad(std::string_view what, std::string_view text) {
  return Fail(ErrorCode::kInvalidArgument, fmt::format("not {}: \"{}\"", what, text));
}

/// What stands before `separator`, which is taken from `rest` with it; nothing where there is none.
std::optional<std::string_view> TakeUntil(std::string_view& rest, std::string_view separator) {
  const size_t at = rest.find(separator);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view before = rest.substr(0, at);
  rest.remove_prefix(at + separator.size());
  return before;
}

Result<Matcher> TakeMatcher(std::string_view& rest) {
  const std::string_view all = rest;
  const size_t name_size = rest.find_first_of("=!");
  const auto before = TakeUntil(rest, "\"");
  const auto value = TakeUntil(rest, "\"");
  if (!before || !value || name_size > before->size()) return Bad("a matcher", all);
  const std::string_view operation = before->substr(name_size);
  for (const MatchType type :
       {MatchType::kEqual, MatchType::kNotEqual, MatchType::kRegex, MatchType::kNotRegex}) {
    if (ToString(type) != operation) continue;
    return Matcher::Make(type, std::string(before->substr(0, name_size)), std::string(*value));
  }
  return Bad("an operator", operation);
}

Result<double> ParseScriptValue(std::string_view text) {
  if (text == "stale") return kStaleNan;
  const auto value = ParseValue(text);
  if (!value) return Bad("a value", text);
  return *value;
}

/// TIME:VALUE, or FROM..TO/STEP:VALUE[..LAST].
Status ParseSamples(std::string_view text, std::vector<Sample>& out) {
  std::string_view values = text;
  const auto times = TakeUntil(values, ":");
  if (!times) return Bad("TIME:VALUE", text);
  std::string_view to_and_step = *times, last_value = values;
  const auto from = TakeUntil(to_and_step, "..");
  if (!from) {
    out.push_back({TRY(ParseScriptTime(*times)), TRY(ParseScriptValue(values))});
    return {};
  }
  const auto to = TakeUntil(to_and_step, "/");
  if (!to) return Bad("FROM..TO/STEP:VALUE", text);
  const Timestamp first = TRY(ParseScriptTime(*from)), last = TRY(ParseScriptTime(*to));
  const Duration step = TRY(ParseDuration(to_and_step));
  if (step <= Duration(0) || last <= first) return Bad("FROM..TO/STEP:VALUE", text);
  const double begin = TRY(ParseScriptValue(TakeUntil(last_value, "..").value_or(values)));
  const double end = TRY(ParseScriptValue(last_value));
  const auto steps = (last - first) / step;
  for (int64_t i = 0; i <= steps; ++i) {
    const double part = begin == end ? 0 : (end - begin) * double(i) / double(steps);
    out.push_back({first + i * step, begin + part});
  }
  return {};
}

Words Split(std::string_view line) {
  std::istringstream stream{std::string(line)};
  Words words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

/// Everything from the second word on.
std::string Rest(std::string_view line) {
  const size_t first = line.find_first_not_of(' ');
  const size_t end = line.find(' ', first);
  const size_t second = line.find_first_not_of(' ', end);
  return second == std::string_view::npos ? "" : std::string(line.substr(second));
}

Status ParseBlockLine(std::string_view line, ScriptStep& step) {
  const Words words = Split(line);
  if (words[0] == "error") {
    step.error = Rest(line);
    if (step.error.empty()) return Bad("an error's text", line);
    return {};
  }
  ScriptSeries series{TRY(ParseScriptLabels(words[0])), {}};
  if (words.size() == 1) return Bad("a series with samples", line);
  for (size_t i = 1; i < words.size(); ++i) TRY(ParseSamples(words[i], series.samples));
  step.series.push_back(std::move(series));
  return {};
}

Status ParseLine(std::string_view line, int number, Script& script) {
  Words words = Split(line);
  if (words.empty() || words[0][0] == '#') return {};
  if (line == "uninterrupted") {
    script.interruptible = false;
    return {};
  }
  if (line[0] != ' ') {
    ScriptStep step{number, words[0], {}, {}, {}};
    step.arguments.assign(words.begin() + 1, words.end());
    script.steps.push_back(std::move(step));
    return {};
  }
  if (script.steps.empty()) return Bad("a command", line);
  return ParseBlockLine(line, script.steps.back());
}

}  // namespace

Result<Timestamp> ParseScriptTime(std::string_view text) {
  const bool negative = text.starts_with('-');
  const Duration offset = TRY(ParseDuration(text.substr(negative ? 1 : 0)));
  return Timestamp(negative ? -offset : offset);
}

Result<Matchers> ParseScriptSelector(std::string_view text) {
  if (text == "*") return Matchers{TRY(Matcher::Make(MatchType::kRegex, "__name__", ".+"))};
  std::string_view rest = text;
  const bool braces = text.ends_with('}');
  const std::string_view name = TakeUntil(rest, "{").value_or(text);
  if (braces == (name == text)) return Bad("a selector", text);
  Matchers matchers;
  if (!name.empty()) matchers.push_back(Matcher::Equal("__name__", std::string(name)));
  while (braces && rest != "}") {
    matchers.push_back(TRY(TakeMatcher(rest)));
    if (rest.starts_with(',')) rest.remove_prefix(1);
  }
  return matchers;
}

Result<Labels> ParseScriptLabels(std::string_view text) {
  LabelsBuilder labels;
  const Matchers matchers = TRY(ParseScriptSelector(text));
  for (const Matcher& matcher : matchers) {
    if (matcher.type() != MatchType::kEqual) return Bad("a series", text);
    labels.Set(matcher.name(), matcher.value());
  }
  return labels.Build();
}

Result<Script> ParseStorageScript(std::string_view text) {
  Script script;
  int number = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const auto whole = TakeUntil(rest, "\n");
    const std::string_view line = whole ? *whole : std::exchange(rest, {});
    if (++number == 1) {
      if (!line.starts_with("# ")) return Bad("a sentence of what the script shows", line);
      script.sentence = line.substr(2);
    } else if (Status parsed = ParseLine(line, number, script); !parsed) {
      return std::unexpected(Annotate(std::move(parsed).error(), fmt::format("line {}", number)));
    }
  }
  return script;
}

}  // namespace barograph::test
