#include <fmt/format.h>

#include "base/model/matcher.h"
#include "base/model/number.h"
#include "tests/conformance/areas.h"

// matcher.jsonl: one matcher and one value. regex.jsonl: one pattern and many values.

namespace barograph::conformance {
namespace {

namespace json = boost::json;

MatchType TypeOf(std::string_view text) {
  for (const MatchType type : {MatchType::kEqual, MatchType::kNotEqual, MatchType::kRegex}) {
    if (ToString(type) == text) return type;
  }
  return MatchType::kNotRegex;
}

void RunMatcher(std::string_view id, const json::object& test, Reporter& reporter) {
  const std::string pattern = TextOr(test, "pattern"), value = TextOr(test, "value");
  const auto matcher = Matcher::Make(TypeOf(TextOr(test, "type")), "name", pattern);
  if (!matcher.has_value()) return reporter.Fail(id, matcher.error().message);
  const bool matches = matcher->Matches(value);
  if (matches == BoolOr(test, "match", false)) return reporter.Pass(id);
  reporter.Fail(id, fmt::format("{} on {} gives {}", matcher->ToString(), Quote(value), matches));
}

void RunRegex(std::string_view id, const json::object& test, Reporter& reporter) {
  const auto regex = Regex::Compile(TextOr(test, "regex"));
  if (!regex.has_value()) return reporter.Fail(id, regex.error().message);
  std::string wrong;
  const auto check = [&](std::string_view list, bool expected) {
    for (const std::string& text : TextsOf(test, list)) {
      if ((*regex)->Matches(text) == expected) continue;
      wrong += fmt::format("{} {} match {}\n", (*regex)->pattern(), expected ? "must" : "must not",
                           Quote(text));
    }
  };
  check("matches", true);
  check("not_matches", false);
  if (wrong.empty()) return reporter.Pass(id);
  reporter.Fail(id, wrong);
}

}  // namespace

void RunLabels(const std::string& path, Reporter& reporter) {
  const bool regexes = FileName(path).starts_with("regex");
  ForEachCase(path, reporter, [&](std::string_view id, const json::object& test) {
    (regexes ? RunRegex : RunMatcher)(id, test, reporter);
  });
}

}  // namespace barograph::conformance
