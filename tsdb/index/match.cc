#include "tsdb/index/match.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "tsdb/index/definitions.h"
#include "tsdb/index/keys.h"

namespace barograph::tsdb::index {
namespace {

constexpr size_t kValuesPerStop = 1024;
// Reading a series' labels costs about as much as looking at so many values, and below the least
// budget nothing is worth a thought. Measured with bench/index_bench.cc.
constexpr size_t kValuesPerSeries = 32, kLeastBudget = 4096;

/// What is to be done for one matcher: keep the series of a set, or take them away.
///
/// The set is that of all series which have the label with a value that the matcher accepts (to
/// keep) or refuses (to take away); series without the label count as "", which the matcher
/// refuses in the first case and accepts in the second.
struct Step {
  enum class Form : uint8_t {
    kNothing,  ///< the empty set
    kListed,   ///< the series with one of `values`
    kOthers,   ///< the series with any value but `values`
    kTried,    ///< the series with a value that Wants
  };

  const Matcher* matcher;
  bool keep;
  Form form = Form::kTried;
  std::vector<std::string_view> values = {};
  std::string_view prefix = {};  // of all wanted values

  bool Wants(std::string_view value) const { return matcher->Matches(value) == keep; }
};

Step ListStep(Step step, std::span<const std::string> listed, bool accepts_listed) {
  for (const std::string& value : listed) {
    if (!value.empty()) step.values.push_back(value);
  }
  step.form = accepts_listed == step.keep ? Step::Form::kListed : Step::Form::kOthers;
  return step;
}

Step PlanStep(const Matcher& matcher) {
  Step step{.matcher = &matcher, .keep = !matcher.MatchesEmpty()};
  if (matcher.name().empty()) {  // a label that no series has; such keys mean something else
    step.form = Step::Form::kNothing;
    return step;
  }
  const bool accepts = matcher.type() == MatchType::kEqual || matcher.type() == MatchType::kRegex;
  const Regex* regex = matcher.regex();
  if (regex == nullptr) return ListStep(step, {&matcher.value(), 1}, accepts);
  if (!regex->set_matches().empty()) return ListStep(step, regex->set_matches(), accepts);
  // .+ and .*: every value is accepted by the expression.
  if (regex->pattern() == ".+" || regex->pattern() == ".*") {
    step.form = accepts == step.keep ? Step::Form::kOthers : Step::Form::kNothing;
  } else if (accepts == step.keep) {
    step.prefix = regex->prefix();
  }
  return step;
}

/// Runs the steps of one question.
class Matching {
 public:
  Matching(const PostingsReader& postings, std::span<const Partition> partitions,
           const std::stop_token& stop)
      : postings_(postings), partitions_(partitions), stop_(stop) {}

  Result<std::vector<Roaring>> Run(std::vector<Step> steps);

 private:
  using Sets = std::vector<SharedSet>;  // one a partition

  Status Apply(const Step& step);
  void Combine(size_t partition, const Roaring& set, bool keep);
  Result<SharedSet> LookUp(size_t partition, const Step& step) const;
  Result<bool> TryValues(const Step& step);
  Result<std::optional<std::vector<Roaring>>> Scan(const Step& step,
                                                   std::span<const Partition> partitions) const;
  Status TryLabels(const Step& step);
  size_t Cardinality() const;

  const PostingsReader& postings_;
  const std::span<const Partition> partitions_;
  const std::stop_token& stop_;
  std::vector<Roaring> results_;
};

Result<std::vector<Roaring>> Matching::Run(std::vector<Step> steps) {
  const auto cost = [](const Step& step) {
    return (step.form == Step::Form::kTried ? 2 : 0) + (step.keep ? 0 : 1);
  };
  std::ranges::sort(steps, {}, cost);
  // The first set to keep is what the others narrow; else it is all series.
  const bool narrowed = !steps.empty() && steps[0].keep && steps[0].form != Step::Form::kTried;
  for (size_t i = 0; i < partitions_.size(); ++i) {
    results_.push_back(
        *TRY(narrowed ? LookUp(i, steps[0]) : postings_.Get(partitions_[i], "", "")));
  }
  for (const Step& step : std::span(steps).subspan(narrowed ? 1 : 0)) {
    if (stop_.stop_requested()) return Cancelled();
    TRY(Apply(step));
  }
  return std::move(results_);
}

Status Matching::Apply(const Step& step) {
  if (step.form != Step::Form::kTried) {
    for (size_t i = 0; i < partitions_.size(); ++i) {
      if (!results_[i].isEmpty()) Combine(i, *TRY(LookUp(i, step)), step.keep);
    }
    return {};
  }
  return TRY(TryValues(step)) ? Status() : TryLabels(step);
}

void Matching::Combine(size_t partition, const Roaring& set, bool keep) {
  if (keep) {
    results_[partition] &= set;
  } else {
    results_[partition] -= set;
  }
}

Result<SharedSet> Matching::LookUp(size_t partition, const Step& step) const {
  const Partition& in = partitions_[partition];
  const std::string_view name = step.matcher->name();
  if (step.form == Step::Form::kListed && step.values.size() == 1) {
    return postings_.Get(in, name, step.values[0]);
  }
  auto set = std::make_shared<Roaring>();
  if (step.form == Step::Form::kNothing) return SharedSet(set);
  for (const std::string_view value : step.values) *set |= *TRY(postings_.Get(in, name, value));
  if (step.form == Step::Form::kOthers) {
    Roaring any = *TRY(postings_.Get(in, name, ""));
    any -= *set;
    *set = std::move(any);
  }
  return SharedSet(std::move(set));
}

// Tries the values of the label; false when there are too many of them.
Result<bool> Matching::TryValues(const Step& step) {
  const std::string text = step.matcher->ToString();
  std::vector<Partition> unseen;
  std::vector<size_t> places;
  Sets sets(partitions_.size());
  for (size_t i = 0; i < partitions_.size(); ++i) {
    if (results_[i].isEmpty()) continue;
    sets[i] = postings_.cache().Find(SetCacheKey(partitions_[i].version, SetKind::kMatcher, text));
    if (sets[i] != nullptr) continue;
    unseen.push_back(partitions_[i]);
    places.push_back(i);
  }
  if (!unseen.empty()) {
    std::optional<std::vector<Roaring>> scanned = TRY(Scan(step, unseen));
    if (!scanned) return false;
    for (size_t u = 0; u < unseen.size(); ++u) {
      (*scanned)[u].runOptimize();
      sets[places[u]] = std::make_shared<const Roaring>(std::move((*scanned)[u]));
      postings_.cache().Insert(SetCacheKey(unseen[u].version, SetKind::kMatcher, text),
                               sets[places[u]]);
    }
  }
  for (size_t i = 0; i < partitions_.size(); ++i) {
    if (sets[i] != nullptr) Combine(i, *sets[i], step.keep);
  }
  return true;
}

Result<std::optional<std::vector<Roaring>>> Matching::Scan(
    const Step& step, std::span<const Partition> partitions) const {
  std::vector<Roaring> sets(partitions.size());
  size_t budget = ScanBudget(Cardinality());
  size_t tried = 0;
  ValueScan scan(postings_.store(), partitions, step.matcher->name(), step.prefix);
  while (TRY(scan.Next())) {
    if (++tried % kValuesPerStop == 0 && stop_.stop_requested()) return Cancelled();
    if (budget < scan.holders().size()) return std::optional<std::vector<Roaring>>();
    budget -= scan.holders().size();
    if (!step.Wants(scan.value())) continue;
    for (const size_t holder : scan.holders()) TRY(scan.AddTo(holder, sets[holder]));
  }
  return std::optional(std::move(sets));
}

Status Matching::TryLabels(const Step& step) {
  const std::vector<SeriesId> ids = JoinSets(partitions_, results_);
  std::map<uint32_t, Roaring> passed;  // by the upper half
  const auto test = [&](size_t i, std::string_view packed) {
    std::string_view value;
    for (Labels::Iterator at(packed); at != Labels::Iterator(); ++at) {
      if (at->name == step.matcher->name()) value = at->value;
    }
    if (step.matcher->Matches(value)) passed[HighHalf(ids[i])].add(LowHalf(ids[i]));
  };
  TRY(ReadLabels(postings_.store(), ids, test, stop_));
  for (size_t i = 0; i < partitions_.size(); ++i) {
    results_[i] &= passed[partitions_[i].key.high];
  }
  return {};
}

size_t Matching::Cardinality() const {
  size_t count = 0;
  for (const Roaring& set : results_) count += set.cardinality();
  return count;
}

}  // namespace

size_t ScanBudget(size_t series) { return std::max(kLeastBudget, series * kValuesPerSeries); }

Result<std::vector<Roaring>> MatchPartitions(const PostingsReader& postings,
                                             std::span<const Partition> partitions,
                                             const Matchers& matchers,
                                             const std::stop_token& stop) {
  std::vector<Step> steps;
  for (const Matcher& matcher : matchers) steps.push_back(PlanStep(matcher));
  return Matching(postings, partitions, stop).Run(std::move(steps));
}

std::vector<SeriesId> JoinSets(std::span<const Partition> partitions,
                               std::span<const Roaring> sets) {
  std::map<uint32_t, Roaring> joined;  // by the upper half
  for (size_t i = 0; i < partitions.size(); ++i) {
    if (!sets[i].isEmpty()) joined[partitions[i].key.high] |= sets[i];
  }
  std::vector<SeriesId> ids;
  for (const auto& [high, set] : joined) {
    std::vector<uint32_t> lows(set.cardinality());
    set.toUint32Array(lows.data());
    ids.reserve(ids.size() + lows.size());
    for (const uint32_t low : lows) ids.push_back(JoinHalves(high, low));
  }
  return ids;
}

}  // namespace barograph::tsdb::index
