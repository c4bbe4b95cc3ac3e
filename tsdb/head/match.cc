#include "base/model/regex.h"
#include "tsdb/head/label_index.h"

namespace barograph::tsdb {
namespace {

// How many label values are tried between two looks at the stop token.
constexpr size_t kValuesPerStop = 1024;

std::unexpected<Error> Cancelled() { return Fail(ErrorCode::kCancelled, "query was cancelled"); }

// The series whose label `name` has a value that `accepts` accepts.
template <typename Accepts>
Result<Roaring> UnionOf(const LabelIndex& index, std::string_view name, Accepts accepts,
                        const std::stop_token& stop) {
  Roaring set;
  size_t tried = 0;
  for (const LabelIndex::PairId pair : index.PairsOf(name)) {
    if (++tried % kValuesPerStop == 0 && stop.stop_requested()) return Cancelled();
    if (accepts(index.pair(pair).value)) index.postings(pair).AddTo(set);
  }
  return set;
}

Roaring SetOf(const LabelIndex& index, std::string_view name, std::string_view value) {
  const auto pair = index.Find(name, value);
  return pair ? index.postings(*pair).ToSet() : Roaring();
}

// The series that a matcher which does not match the empty string accepts.
Result<Roaring> Accepted(const LabelIndex& index, const Matcher& matcher,
                         const std::stop_token& stop) {
  if (matcher.type() == MatchType::kEqual) return SetOf(index, matcher.name(), matcher.value());
  if (matcher.type() == MatchType::kRegex && !matcher.regex()->set_matches().empty()) {
    Roaring set;
    for (const std::string& value : matcher.regex()->set_matches()) {
      if (const auto pair = index.Find(matcher.name(), value)) index.postings(*pair).AddTo(set);
    }
    return set;
  }
  return UnionOf(
      index, matcher.name(), [&](std::string_view value) { return matcher.Matches(value); }, stop);
}

// The series that a matcher which matches the empty string refuses: they have the label.
Result<Roaring> Refused(const LabelIndex& index, const Matcher& matcher,
                        const std::stop_token& stop) {
  if (matcher.type() == MatchType::kNotEqual) return SetOf(index, matcher.name(), matcher.value());
  if (matcher.type() == MatchType::kNotRegex && !matcher.regex()->set_matches().empty()) {
    Roaring set;
    for (const std::string& value : matcher.regex()->set_matches()) {
      if (const auto pair = index.Find(matcher.name(), value)) index.postings(*pair).AddTo(set);
    }
    return set;
  }
  return UnionOf(
      index, matcher.name(), [&](std::string_view value) { return !matcher.Matches(value); }, stop);
}

}  // namespace

Result<Roaring> MatchSeries(const LabelIndex& index, const Roaring& all, const Matchers& matchers,
                            std::stop_token stop) {
  Roaring result = all;
  // What narrows most cheaply comes first: equality, then the rest that needs a label, then what
  // is taken away.
  for (const bool equality : {true, false}) {
    for (const Matcher& matcher : matchers) {
      if (matcher.MatchesEmpty() || (matcher.type() == MatchType::kEqual) != equality) continue;
      if (stop.stop_requested()) return Cancelled();
      if (result.isEmpty()) return result;
      result &= TRY(Accepted(index, matcher, stop));
    }
  }
  for (const Matcher& matcher : matchers) {
    if (!matcher.MatchesEmpty()) continue;
    if (stop.stop_requested()) return Cancelled();
    if (result.isEmpty()) return result;
    result -= TRY(Refused(index, matcher, stop));
  }
  return result;
}

}  // namespace barograph::tsdb
