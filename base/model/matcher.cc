#include "base/model/matcher.h"

#include <algorithm>

#include "base/model/number.h"

namespace barograph {

std::string_view ToString(MatchType type) {
  switch (type) {
    case MatchType::kEqual: return "=";
    case MatchType::kNotEqual: return "!=";
    case MatchType::kRegex: return "=~";
    case MatchType::kNotRegex: return "!~";
  }
  return "?";
}

Result<Matcher> Matcher::Make(MatchType type, std::string name, std::string value) {
  std::shared_ptr<const Regex> regex;
  if (type == MatchType::kRegex || type == MatchType::kNotRegex) {
    regex = TRY(Regex::Compile(value));
  }
  return Matcher(type, std::move(name), std::move(value), std::move(regex));
}

Matcher Matcher::Equal(std::string name, std::string value) {
  return {MatchType::kEqual, std::move(name), std::move(value), nullptr};
}

bool Matcher::Matches(std::string_view value) const {
  switch (type_) {
    case MatchType::kEqual: return value == value_;
    case MatchType::kNotEqual: return value != value_;
    case MatchType::kRegex: return regex_->Matches(value);
    case MatchType::kNotRegex: return !regex_->Matches(value);
  }
  return false;
}

std::string Matcher::ToString() const {
  std::string out = IsLegacyLabelName(name_) ? name_ : Quote(name_);
  out += barograph::ToString(type_);
  AppendQuoted(out, value_);
  return out;
}

bool MatchesAll(const Matchers& matchers, const Labels& labels) {
  return std::ranges::all_of(matchers, [&](const Matcher& matcher) {
    return matcher.Matches(labels.Get(matcher.name()));
  });
}

}  // namespace barograph
