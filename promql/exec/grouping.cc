#include "promql/exec/grouping.h"

#include <algorithm>
#include <unordered_map>

namespace barograph::promql {

LabelSubset GroupingLabels(const AggregateExpr& expr) {
  std::vector<std::string> names = expr.grouping;
  if (!expr.without) return LabelSubset::Only(std::move(names));
  names.emplace_back(kMetricName);
  return LabelSubset::Except(std::move(names));
}

Result<std::vector<SeriesGroup>> GroupSeries(QueryContext& context, const LabelSubset& subset,
                                             const std::vector<SeriesMeta>& series) {
  std::vector<SeriesGroup> groups;
  std::unordered_map<std::string, size_t> by_key;
  std::string key;
  for (uint32_t i = 0; i < series.size(); ++i) {
    key.clear();
    subset.AppendKey(series[i], context.naming(), key);
    const auto [entry, is_new] = by_key.try_emplace(key, groups.size());
    if (is_new) {
      const Labels* labels = context.Keep(subset.Apply(series[i], context.naming()));
      groups.push_back({{labels, false}, {}});
    }
    SeriesGroup& group = groups[entry->second];
    group.members.push_back(i);
    group.meta.drop_name |= series[i].drop_name;
    TRY(context.main().Work(0));
  }
  return groups;
}

void IgnoreHistograms(Lane& lane, std::string_view aggregation, PositionRange where,
                      Column& column) {
  // A set operator may have taken out all that there were.
  const auto is_set = [](const HistogramRef& histogram) { return histogram != nullptr; };
  if (std::ranges::none_of(column.histograms, is_set)) return;
  lane.annotations().HistogramIgnoredInAggregation(aggregation, where);
  column.EraseHistograms();
}

}  // namespace barograph::promql
