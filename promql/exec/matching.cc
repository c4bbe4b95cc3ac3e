#include "promql/exec/matching.h"

namespace barograph::promql {

LabelSubset MatchingLabels(const VectorMatching& matching) {
  std::vector<std::string> names = matching.labels;
  if (matching.on) return LabelSubset::Only(std::move(names));
  names.emplace_back(kMetricName);
  return LabelSubset::Except(std::move(names));
}

Result<Matched> MatchSeries(QueryContext& context, const VectorMatching& matching,
                            const std::vector<SeriesMeta>& left,
                            const std::vector<SeriesMeta>& right) {
  const LabelSubset subset = MatchingLabels(matching);
  Matched matched;
  std::unordered_map<std::string, uint32_t> by_key;
  by_key.reserve(left.size());
  std::string key;
  const auto group_of = [&](const SeriesMeta& meta) {
    key.clear();
    subset.AppendKey(meta, context.naming(), key);
    const auto [entry, is_new] =
        by_key.try_emplace(key, static_cast<uint32_t>(matched.groups.size()));
    if (is_new) matched.groups.emplace_back();
    return entry->second;
  };
  for (uint32_t i = 0; i < left.size(); ++i) {
    matched.group_of_left.push_back(group_of(left[i]));
    matched.groups[matched.group_of_left[i]].left.push_back(i);
    TRY(context.main().Work(0));
  }
  for (uint32_t i = 0; i < right.size(); ++i) {
    matched.group_of_right.push_back(group_of(right[i]));
    matched.groups[matched.group_of_right[i]].right.push_back(i);
    TRY(context.main().Work(0));
  }
  return matched;
}

void StepSet::AddPresent(const Column& column) {
  for (size_t step = 0; step < column.size(); ++step) {
    if (column.present(step)) Add(step);
  }
}

}  // namespace barograph::promql
