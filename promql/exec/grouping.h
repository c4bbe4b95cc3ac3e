#pragma once

#include <cstdint>
#include <vector>

#include "promql/exec/operator.h"
#include "promql/parse/ast.h"

/// Which series an aggregation puts together. Labels are hashed once a series, and the labels of
/// the result are built once a group.
namespace barograph::promql {

/// The labels that by (...) or without (...) group by.
LabelSubset GroupingLabels(const AggregateExpr& expr);

struct SeriesGroup {
  SeriesMeta meta;                ///< the group's labels
  std::vector<uint32_t> members;  ///< input series, in order
};

/// The groups in order of first appearance.
Result<std::vector<SeriesGroup>> GroupSeries(QueryContext& context, const LabelSubset& subset,
                                             const std::vector<SeriesMeta>& series);

/// Decides of groups that keep a name, and whose members disagree on whether it is to go: what the
/// members say that are there at the last step that has any (as in Prometheus with delayed name
/// removal). Others are left as they are.
Status SettleNames(QueryContext& context, Operator& input, std::vector<SeriesGroup>& groups);

/// Takes histograms out of `column`, with an info that names the aggregation.
void IgnoreHistograms(Lane& lane, std::string_view aggregation, PositionRange where,
                      Column& column);

}  // namespace barograph::promql
