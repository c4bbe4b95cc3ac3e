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
  size_t number = 0;
  for (uint32_t i = 0; i < series.size(); ++i) {
    const bool as_before = i > 0 && series[i].labels == series[i - 1].labels &&
                           series[i].drop_name == series[i - 1].drop_name;
    if (!as_before) {
      key.clear();
      subset.AppendKey(series[i], context.naming(), key);
      const auto [entry, is_new] = by_key.try_emplace(key, groups.size());
      if (is_new) {
        const Labels* labels = context.Keep(subset.Apply(series[i], context.naming()));
        groups.push_back({{labels, false}, {}});
      }
      number = entry->second;
    }
    SeriesGroup& group = groups[number];
    group.members.push_back(i);
    group.meta.drop_name |= series[i].drop_name;
    TRY(context.main().Work(0));
  }
  return groups;
}

namespace {

bool HasMetadata(const Labels& labels) {
  return std::ranges::any_of(labels,
                             [](const Label& label) { return IsMetadataLabel(label.name); });
}

// How many steps there are up to the last one with a sample.
size_t StepsUsed(const Column& column) {
  size_t steps = column.size();
  while (steps > 0 && !column.present(steps - 1)) --steps;
  return steps;
}

Status SettleName(QueryContext& context, Operator& input, SeriesGroup& group) {
  Column column;
  size_t longest = 0;
  for (const uint32_t member : group.members) {
    TRY(input.Evaluate(context.main(), member, column));
    const size_t steps = StepsUsed(column);
    if (steps == 0 || steps < longest) continue;
    const bool drops = input.series()[member].drop_name;
    group.meta.drop_name = drops || (steps == longest && group.meta.drop_name);
    longest = steps;
  }
  return {};
}

}  // namespace

Status SettleNames(QueryContext& context, Operator& input, std::vector<SeriesGroup>& groups) {
  if (!context.naming().delayed) return {};
  for (SeriesGroup& group : groups) {
    const auto drops = [&](uint32_t member) { return input.series()[member].drop_name; };
    const bool agreed = !group.meta.drop_name || std::ranges::all_of(group.members, drops);
    if (!agreed && HasMetadata(*group.meta.labels)) TRY(SettleName(context, input, group));
  }
  return {};
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
